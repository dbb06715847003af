/** The same over HTTP/2, by prior knowledge. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2"
import { join } from "node:path"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { within } from "../support/deadline.ts"
import { TestHost } from "../support/harness.ts"
import { LONG, say, TEXT } from "./decode.ts"

const APPS = join(import.meta.dirname, "apps")
let host: TestHost
let session: ClientHttp2Session

beforeAll(async () => {
  host = await TestHost.start(
    {
      fetch: { dir: join(APPS, "fetch"), entry: "app.mjs", compression: true },
      express: { dir: join(APPS, "express"), entry: "server.mjs", compression: true },
    },
    { config: { http2: { cleartext: true } } },
  )
  session = connect(host.url)
})
afterAll(async () => {
  session.destroy()
  await host.close()
})

interface Seen {
  readonly headers: IncomingHttpHeaders & { readonly ":status"?: number | undefined }
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
  /** Of RST_STREAM; 0: it ended well. */
  readonly code: number
}

function get(path: string, accept: string): Promise<Seen> {
  const stream = session.request({ ":path": path, "accept-encoding": accept })
  let headers: Seen["headers"] = {}
  let trailers: IncomingHttpHeaders = {}
  const pieces: Buffer[] = []
  stream.on("response", (it) => {
    headers = it
  })
  stream.on("trailers", (it) => {
    trailers = it
  })
  stream.on("data", (piece: Buffer) => pieces.push(piece))
  stream.on("error", () => undefined)
  const closed = new Promise<Seen>((resolve) =>
    stream.once("close", () =>
      resolve({ headers, trailers, body: Buffer.concat(pieces), code: stream.rstCode }),
    ),
  )
  return within(10_000, `the end of ${path}`, closed)
}

describe("over HTTP/2", () => {
  it("answers are compressed, in one go and in pieces", async () => {
    const pieces = say({ headers: [TEXT], chunks: [{ text: "long ", times: 1000 }] })
    for (const path of [say(LONG), pieces]) {
      const { headers, body, code } = await get(path, "gzip, deflate, br, zstd")
      expect([headers[":status"], headers["content-encoding"], code]).toEqual([200, "zstd", 0])
      expect(headers.vary).toBe("Accept-Encoding")
      expect(zstdDecompressSync(body).toString()).toBe("long ".repeat(1000))
    }
  })

  it("trailers come after the compressed body", async () => {
    const { headers, body, trailers } = await get("/express/trailers", "gzip")
    expect(headers["content-encoding"]).toBe("gzip")
    expect(gunzipSync(body).toString()).toMatch(/^The quick brown fox/)
    expect(trailers["x-sum"]).toBe("42")
    expect(trailers["digest"]).toBeUndefined()
  })

  it("a cut answer ends in RST_STREAM, and its neighbours go on", async () => {
    const [cut, whole] = await Promise.all([get("/fetch/breaks", "gzip"), get("/fetch/flood?mib=2", "zstd")])
    expect(cut.code).not.toBe(0)
    expect(whole.code).toBe(0)
    expect(zstdDecompressSync(whole.body).length).toBe(2 * 1024 * 1024)
  })
})
