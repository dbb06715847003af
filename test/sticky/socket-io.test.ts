/** socket.io on several instances, by its own client. Clients in Node keep no cookies: nothing but the session's id is there to go by. */

import { join } from "node:path"
import { io, type Socket } from "socket.io-client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, TestHost } from "../support/harness.ts"

const INSTANCES = 3
const CLIENTS = 30

interface Said {
  readonly text: string
  readonly pid: number
  readonly transport: string
}

describe("socket.io on three instances", () => {
  let host: TestHost
  beforeAll(async () => {
    host = await TestHost.start({
      chat: {
        dir: join(import.meta.dirname, "apps/socket-io"),
        instances: INSTANCES,
        timeouts: { drain: "2s" },
      },
    })
    await host.state(
      "chat",
      ({ instances }) => instances.filter((it) => it.state === "ready").length === INSTANCES,
      START_MS,
    )
  }, START_MS)
  afterAll(() => host.close())

  for (const [name, transports, last] of [
    ["polling that goes on as a WebSocket", ["polling", "websocket"], "websocket"],
    ["polling alone", ["polling"], "polling"],
    ["WebSocket alone", ["websocket"], "websocket"],
  ] as const)
    it(`${CLIENTS} clients exchange messages by ${name}, each with one instance`, async () => {
      const pids = new Set<number>()
      await Promise.all(
        Array.from({ length: CLIENTS }, async (_, i) => {
          const socket = io(host.url, {
            path: "/chat/socket.io/",
            transports: [...transports],
            forceNew: true,
            reconnection: false,
          })
          try {
            await connected(socket)
            if (transports.length > 1) await upgraded(socket)
            const own = new Set<number>()
            for (let n = 0; n < 5; n++) {
              const said = await say(socket, `${i}.${n}`)
              expect(said.text).toBe(`${i}.${n}`)
              expect(said.transport).toBe(last)
              own.add(said.pid)
            }
            expect(own.size).toBe(1)
            for (const pid of own) pids.add(pid)
          } finally {
            socket.close()
          }
        }),
      )
      expect(pids.size).toBe(INSTANCES)
      await eventually(5000, "every socket to end", () =>
        host.app("chat").instances.every(({ sockets, inFlight }) => sockets === 0 && inFlight === 0),
      )
    }, 60_000)

  it("begins a new session elsewhere when its instance has gone", async () => {
    const socket = io(host.url, {
      path: "/chat/socket.io/",
      transports: ["polling"],
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 100,
    })
    try {
      await connected(socket)
      const { pid } = await say(socket, "before")
      const again = new Promise<void>((resolve) => socket.io.once("reconnect", () => resolve()))
      process.kill(pid, "SIGKILL")
      await within(20_000, "the client's next session", again)
      expect((await say(socket, "after")).pid).not.toBe(pid)
    } finally {
      socket.close()
    }
  })
})

function connected(socket: Socket): Promise<void> {
  return within(
    20_000,
    "the connection",
    new Promise((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("connect_error", reject)
    }),
  )
}

function upgraded(socket: Socket): Promise<void> {
  const { engine } = socket.io
  if (engine.transport.name === "websocket") return Promise.resolve()
  return within(20_000, "the upgrade", new Promise((resolve) => engine.once("upgrade", () => resolve())))
}

function say(socket: Socket, text: string): Promise<Said> {
  return within(20_000, "the answer", socket.timeout(20_000).emitWithAck("say", text) as Promise<Said>)
}
