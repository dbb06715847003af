/** `Host.upgrade`: WebSockets of a program's own server, by its event `upgrade`. */

import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, startHost } from "../support/harness.ts"
import { Authority } from "../tls/certificates.ts"
import { asks, clientFrame, HANDSHAKE, MS, Raw, Talk } from "./rig.ts"

const TUNNELS = { dir: join(FIXTURES, "tunnels"), entry: "server.mjs" }

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test("WebSockets, other protocols and refusals, from the host's first request on", async () => {
  const { host } = await startHost({ app: TUNNELS }, { eager: true })
  const server = createServer(host.handler)
  server.on("upgrade", host.upgrade)
  const port = await listening(server)
  const talk = await Talk.open(`ws://127.0.0.1:${port}/app/ws`)
  expect(await talk.ask("hello")).toBe("hello")
  const lines = JSON.parse(String(await talk.ask("headers"))) as string[]
  expect(lines[lines.indexOf("X-Forwarded-Host") + 1]).toBe(`127.0.0.1:${port}`)

  const raw = await Raw.to(`http://127.0.0.1:${port}`)
  await raw
    .send(asks("/app/ws", "websocket", ...HANDSHAKE) + clientFrame(1, "at once"))
    .until("\x81\x07at once")
  const echo = await Raw.to(`http://127.0.0.1:${port}`)
  await echo.send(asks("/app/echo", "echo")).until("\r\n\r\n")
  echo.socket.end("both halves")
  expect(await echo.untilEnd()).toMatch(/both halves$/)
  await echo.untilClosed()

  const refused = await Raw.to(`http://127.0.0.1:${port}`)
  const next = "GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n"
  await refused.send(asks("/app/refuse", "echo") + next).untilEnd()
  // A further request would be the program's own matter.
  expect(refused.text).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[\s\S]*Connection: close\r\n\r\nno$/)
  const nowhere = await Raw.to(`http://127.0.0.1:${port}`)
  expect(await nowhere.send(asks("/nowhere", "echo") + next).untilEnd()).toMatch(
    /^HTTP\/1.1 404 [\s\S]*NO_ROUTE/,
  )

  expect(host.apps[0]?.instances[0]?.sockets).toBe(2)
  raw.socket.destroy()
  await within(MS, "the host's end", host.close())
  expect(await talk.end()).toEqual([1001, ""])
})

test("a program's server of TLS, and an ordinary request that asks for another protocol", async () => {
  const authority = new Authority()
  onTestFinished(() => authority.remove())
  const { cert, key } = authority.issue({ names: ["localhost"] })
  const { host } = await startHost({ app: TUNNELS })
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, host.handler)
  server.on("upgrade", host.upgrade)
  const port = await listening(server)
  const talk = await Talk.open(`wss://localhost:${port}/app/ws`, [], { ca: authority.ca })
  const lines = JSON.parse(String(await talk.ask("headers"))) as string[]
  expect(lines[lines.indexOf("X-Forwarded-Proto") + 1]).toBe("https")
  talk.socket.close(4000, "enough")
  expect((await talk.end())[0]).toBe(4000)

  // Without a listener for upgrades the message is answered like any other.
  const plain = await listening(createServer(host.handler))
  const raw = await Raw.to(`http://127.0.0.1:${plain}`)
  expect(await raw.send(asks("/app/x", "echo")).until('"url":"/x"')).toMatch(/^HTTP\/1.1 200 /)
  await eventually(MS, "no socket", () => host.apps[0]?.instances[0]?.sockets === 0)
})
