/** More connections than there may be, with TLS: an idle one makes room, and who is turned away gets no word of it. */
import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, TestHost } from "../support/harness.ts"
import { Authority } from "./certificates.ts"
import { get, handshake, speak } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const MOST = 3
const authority = new Authority()
let host: TestHost

beforeAll(async () => {
  const certificates = [authority.issue({ names: ["site.test"] })]
  const config = { tls: { certificates }, limits: { connections: MOST } }
  host = await TestHost.start({ app: APP }, { listen: ["https://127.0.0.1:0"], config })
}, START_MS)

afterAll(async () => {
  await host.close()
  authority.remove()
})

test("an idle connection makes room for a new one; where none is idle, a new one ends", async () => {
  const idle = await handshake(host.url)
  const answered = new Promise<string>((resolve) => idle.once("data", (bytes) => resolve(String(bytes))))
  idle.write("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
  expect(await within(5000, "an answer", answered)).toContain("hello")
  const gone = new Promise<string>((resolve) => idle.once("close", () => resolve("gone")))
  const busy = []
  for (let i = 0; i < MOST; i++) {
    const socket = await handshake(host.url)
    const begun = new Promise((resolve) => socket.once("data", resolve))
    socket.write("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(5000, "the begin of an answer", begun)
    busy.push(socket)
  }
  expect(await within(5000, "the end of the idle one", gone)).toBe("gone")
  await expect(handshake(host.url)).rejects.toThrow()
  await host.logged(/TOO_MANY_CONNECTIONS .*too many connections are open/)
  for (const socket of busy) socket.destroy()
  await eventually(5000, "their ends", () => host.app("app").instances[0]?.inFlight === 0)
})

test("without them there is room again", async () => {
  const { text } = await speak(await handshake(host.url), "GET /hello HTTP/1.0\r\n\r\n")
  expect(text).toContain("hello")
  expect(await get(host.url, "/hello")).toContain("hello")
})
