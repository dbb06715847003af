import { once } from "node:events"
import { connect } from "node:net"
import { describe, expect, test } from "vitest"
import { createUpstream } from "../../runtimes/process/upstream/upstream.ts"
import { eventually, within } from "../support/deadline.ts"
import { ask, Client, httpRig, narrowRig, rawRig } from "./rig.ts"

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
const ENDED = [{ kind: "end" }]
const failed = (code: string) => [{ kind: "fail", code, detail: expect.any(String) }]

describe("connections", () => {
  test("are used again, the last first", async () => {
    const { upstream, sockets } = await httpRig((_request, response) => response.end())
    await Promise.all([1, 2, 3].map(() => ask(upstream)))
    for (let i = 0; i < 5; i++) await ask(upstream)
    expect(sockets.length).toBe(3)
    expect(upstream.inFlight).toBe(0)
  })

  test("are used for what comes at the end of an answer, as from a queue", async () => {
    const { upstream, sockets } = await httpRig((_request, response) => response.end("ok"))
    let left = 5
    const next = (): Client => {
      const client = new Client()
      const respond = client.respond.bind(client)
      client.respond = (...answer) => {
        const taken = respond(...answer)
        if (left-- > 0) upstream.serve(next())
        return taken
      }
      return client
    }
    upstream.serve(next())
    await eventually(1000, "the last answer", () => left < 0 && upstream.inFlight === 0)
    expect(sockets.length).toBe(1)
  })

  test("are not used again when the app will close them within a second", async () => {
    for (const [seconds, count] of [
      [0, 2],
      [1, 2],
      [60, 1],
    ]) {
      const { upstream, sockets } = await rawRig((socket) =>
        socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=${seconds}\r\nContent-Length: 0\r\n\r\n`),
      )
      await ask(upstream)
      await ask(upstream)
      expect(sockets.length).toBe(count)
    }
  })

  test("that the app speaks on unasked, or closes, are not used again", async () => {
    for (const misbehave of ["speak", "close"] as const) {
      const { upstream, sockets } = await rawRig((socket) => socket.write(OK))
      await ask(upstream)
      const closed = once(sockets[0]!, "close")
      if (misbehave === "speak") sockets[0]!.write(OK)
      else sockets[0]!.end()
      await within(1000, "the end", closed)
      expect((await ask(upstream)).text).toBe("ok")
      expect(sockets.length).toBe(2)
    }
  })

  test("that break when used again cost no request that may be repeated, and repeat no other", async () => {
    for (const [method, survives] of [
      ["GET", true],
      ["DELETE", true],
      ["POST", false],
    ] as const) {
      const { upstream } = await rawRig((socket, _request, count) => {
        if (count === 1 || count === 3) socket.write(OK)
        else socket.destroy()
      })
      await ask(upstream)
      const client = await ask(upstream, { head: { method } })
      expect(client.endings).toEqual(survives ? ENDED : failed("APP_CRASHED"))
    }
  })

  test("that break twice fail the request", async () => {
    let connections = 0
    const { upstream } = await rawRig((socket, _request, count) => {
      connections++
      if (count === 1) socket.write(OK)
      else socket.destroy()
    })
    await ask(upstream)
    expect((await ask(upstream)).endings).toEqual(failed("APP_CRASHED"))
    expect(connections).toBe(3)
  })

  test("that nobody takes give the request back, unless it has a body", async () => {
    const upstream = createUpstream({ path: "/nonexistent/app.sock" })
    const detail = await new Promise<string>((resolve) => upstream.serve(new Client(), resolve))
    expect(detail).toContain("ENOENT")
    expect((await ask(upstream, { body: Buffer.from("x") })).endings).toEqual(failed("APP_CRASHED"))
    expect((await ask(upstream)).endings).toEqual(failed("APP_CRASHED"))
    expect(upstream.inFlight).toBe(0)
  })

  test("wait for a server whose queue is full", async () => {
    const { upstream } = await narrowRig((_request, response) => response.end("ok"))
    const clients = await within(
      5000,
      "the answers",
      Promise.all(Array.from({ length: 30 }, () => ask(upstream))),
    )
    expect(clients.map((client) => client.text)).toEqual(clients.map(() => "ok"))
  })

  test("all end when it is closed, and so do the exchanges", async () => {
    const { upstream, sockets } = await httpRig((request, response) => {
      if (request.url === "/now") response.end()
      if (request.url === "/half") response.write("half")
    })
    await ask(upstream, { head: { target: "/now" } })
    const clients = ["/never", "/half"].map((target) => new Client({ head: { target } }))
    for (const client of clients) upstream.serve(client)
    await eventually(1000, "the half", () => clients[1]!.responded)
    upstream.close("it is over", "APP_WEDGED")
    const ending = { kind: "fail", code: "APP_WEDGED", detail: "it is over" }
    expect(clients.map((client) => client.endings)).toEqual([[ending], [ending]])
    expect((await ask(upstream)).endings).toEqual([ending])
    expect(upstream.inFlight).toBe(0)
    await eventually(1000, "the end of all", () => sockets.every((socket) => socket.destroyed))
  })

  test("to a port on loopback", async () => {
    const { server, path } = await httpRig((_request, response) => response.end("ok"))
    expect(path).not.toBe("")
    const { createServer } = await import("node:net")
    const relay = createServer((socket) => socket.pipe(connect(path)).pipe(socket))
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve))
    const address = relay.address() as { port: number }
    const upstream = createUpstream({ host: "127.0.0.1", port: address.port })
    expect((await ask(upstream)).text).toBe("ok")
    upstream.close("done", "APP_UNAVAILABLE")
    await new Promise((resolve) => relay.close(resolve))
    server.closeIdleConnections()
  })
})
