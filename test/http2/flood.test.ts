/**
 * Clients that only make work: each is cut off within moments, with one line in the log, for little of the host's time; and its
 * neighbour is served all the while.
 */
import { execFileSync, spawn } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import { within } from "../support/deadline.ts"
import { ask, session } from "./client.ts"
import { Flag, POST, section, Type, uint32 } from "./frames.ts"
import { RawClient } from "./raw-client.ts"
import { hello, Rig } from "./rig.ts"

const ATTACKER = join(import.meta.dirname, "attacker.ts")
const KINDS = JSON.parse(
  execFileSync(process.execPath, [ATTACKER, "--list"], { encoding: "utf8" }),
) as string[]
/** Of a connection, from its first byte to its end. The clock is the server's own time on a processor. */
const MOST_CPU_MS = 1500
const LONGEST_WAIT_MS = 1000
const CALM = 11

for (const kind of KINDS) {
  test(`a flood of ${kind} is cut off`, async () => {
    const rig = await Rig.start((call) => {
      call.exchange.pull(1_000_000)
      if (call.exchange.path === "/neighbour" || call.exchange.head.bodyBytes === 0) setImmediate(hello, call)
    })
    const neighbour = await session(rig.url)
    await ask(neighbour, "/neighbour")
    const cpu = process.cpuUsage()
    const attack = attackOn(kind, rig.port)
    let isOver = false
    const cut = within(10_000, "the attacker's end", attack).finally(() => {
      isOver = true
    })
    let longestMs = 0
    do {
      const atMs = performance.now()
      expect((await ask(neighbour, "/neighbour")).status).toBe(200)
      longestMs = Math.max(longestMs, performance.now() - atMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
    } while (!isOver)
    const { goaway } = await cut
    const { user, system } = process.cpuUsage(cpu)
    expect((user + system) / 1000).toBeLessThan(MOST_CPU_MS)
    expect(longestMs).toBeLessThan(LONGEST_WAIT_MS)
    const lines = rig.refusals.filter(({ detail }) => detail.startsWith("HTTP/2: "))
    expect(lines.map(({ code, clientAddress }) => [code, clientAddress])).toEqual([
      ["BAD_REQUEST", "192.0.2.1"],
    ])
    // What the host itself counts is told by its name; nghttp2 has words of its own.
    if (lines[0]!.detail.includes("too many") && goaway !== -1) expect(goaway).toBe(CALM)
  })
}

test("clients of good will are none: pings, windows, cancelled pages, small pieces, uploads that are refused", async () => {
  const rig = await Rig.start((call) => {
    if (call.exchange.path === "/refused") {
      call.exchange.limitBody(1)
      return
    }
    call.exchange.pull(1_000_000)
    call.onBody = () => call.ended && hello(call)
  })
  const client = await RawClient.open(rig.port)
  for (let i = 0; i < 500; i++)
    client.send(Type.ping, 0, 0, Buffer.alloc(8)).send(Type.window, 0, 0, uint32(1000))
  client.post(1)
  for (let i = 0; i < 20_000; i++) client.send(Type.data, 0, 1, Buffer.from("x"))
  client.send(Type.data, Flag.end, 1)
  expect(await client.status(1)).toBe(200)
  for (let id = 3; id < 203; id += 2) {
    client.post(id)
    if (id % 100 === 1) await client.echoed()
    client.send(Type.reset, 0, id, uint32(8))
  }
  await client.echoed()
  for (let id = 203; id < 243; id += 2) {
    client.send(
      Type.headers,
      Flag.endHeaders,
      id,
      section({ ...POST, ":path": "/refused", "content-length": "50000" }),
    )
    for (let i = 0; i < 5; i++) client.send(Type.data, i === 4 ? Flag.end : 0, id, Buffer.alloc(10_000))
    expect(await client.status(id)).toBe(413)
  }
  // Longer than the time between two looks.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await client.echoed()
  expect([client.closed, rig.refusals]).toEqual([false, []])
})

function attackOn(kind: string, port: number): Promise<{ goaway: number; sentBytes: number }> {
  const child = spawn(process.execPath, [ATTACKER, kind, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let text = ""
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 9000)
    child.on("close", (code) => {
      clearTimeout(timer)
      if (code === 0) resolve(JSON.parse(text))
      else reject(new Error(`the attacker was never cut off (${code})`))
    })
  })
}
