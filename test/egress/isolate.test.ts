/** The same from the inside of a real isolate, behind a real host: what the manifest allows, and nothing else. */
import { createHash } from "node:crypto"
import { afterEach, expect, test } from "vitest"
import { writeApp } from "../isolate/write-app.ts"
import { startHost } from "../support/harness.ts"
import { closeAll, serve } from "./calling.ts"

afterEach(closeAll)

const APP = `export default {
  async fetch(request) {
    const target = new URL(request.url).searchParams.get("to")
    try {
      if (request.method === "POST") return await fetch(target, { method: "POST", body: request.body, duplex: "half" })
      return await fetch(target)
    } catch (error) {
      return Response.json({ name: error.name, message: error.message, cause: error.cause?.message }, { status: 599 })
    }
  }
}`

test("an isolate fetches what its manifest allows, streams it both ways, and is told why it may not fetch the rest", async () => {
  const origin = await serve((request, response) => {
    if (request.method === "GET") return response.end("fetched")
    const hash = createHash("sha256")
    request.on("data", (piece: Buffer) => hash.update(piece))
    return request.on("end", () => response.end(hash.digest("hex")))
  })
  const dir = writeApp({ "index.js": APP })
  const host = await startHost({
    open: { dir, entry: "index.js", runtime: "isolate", outbound: [origin] },
    shut: { dir, entry: "index.js", runtime: "isolate" },
  })
  const to = (url: string) => `?to=${encodeURIComponent(url)}`

  const fetched = await host.ask(`/open/${to(`${origin}/x`)}`)
  expect([fetched.status, fetched.text]).toEqual([200, "fetched"])

  const body = "0123456789abcdef".repeat(32 * 1024)
  const streamed = await host.ask(`/open/${to(origin)}`, { method: "POST", body })
  expect([streamed.status, streamed.text]).toEqual([200, createHash("sha256").update(body).digest("hex")])

  const refused = await host.ask(`/shut/${to(`${origin}/x`)}`)
  expect([refused.status, JSON.parse(refused.text)]).toEqual([
    599,
    {
      name: "TypeError",
      message: "fetch failed",
      cause: `${origin} is refused: the app may reach nothing outside. To allow it, add "${origin}" or "loopback" to "outbound" in the manifest of app "shut"`,
    },
  ])

  const metadata = await host.ask(`/open/${to("http://169.254.169.254/latest/meta-data/")}`)
  expect(JSON.parse(metadata.text)).toMatchObject({ cause: expect.stringContaining("is refused") as string })
})
