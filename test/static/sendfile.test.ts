/** Files that the host sends in an app's place: X-Accel-Redirect and X-Sendfile. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { within } from "../support/deadline.ts"
import { TestHost } from "../support/harness.ts"
import type { Answer, Ask } from "../support/http-client.ts"

const APP = { dir: join(import.meta.dirname, "../fixtures/apps/sendfile") }
const OLD = new Date("2024-01-02T03:04:05Z")

describe("an answer that names a file", () => {
  let host: TestHost
  const dir = mkdtempSync(join(tmpdir(), "pht-sendfile-"))
  const files = join(dir, "private")

  beforeAll(async () => {
    mkdirSync(join(files, "deep"), { recursive: true })
    const put = (name: string, content: string | Uint8Array): void => {
      writeFileSync(join(dir, name), content)
      utimesSync(join(dir, name), OLD, OLD)
    }
    put("private/report.txt", "the report")
    put("private/with space.txt", "space")
    put("private/ünï.txt", "unicode")
    put("private/per%41cent.txt", "percent")
    put("private/deep/.hidden.txt", "hidden")
    put("private/big.bin", Buffer.alloc(24 * 1024 * 1024, "big"))
    put("secret.txt", "secret")
    symlinkSync("../secret.txt", join(files, "link.txt"))
    symlinkSync("private", join(dir, "link-to-private"))
    host = await TestHost.start({
      sends: {
        ...APP,
        concurrency: 1,
        sendfile: [{ path: "/protected/*", dir: files }],
        static: [{ path: "/assets/*", dir: files }],
      },
      pressed: { ...APP, compression: true, sendfile: [{ path: "/protected/*", dir: files }] },
      strict: APP,
    })
  })

  afterAll(async () => {
    await host.close()
    rmSync(dir, { recursive: true })
  })

  const ask = (
    headers: Record<string, string | string[]>,
    options: Omit<Ask, "path"> = {},
    rest = "",
  ): Promise<Answer> =>
    host.ask(`/sends/x?headers=${encodeURIComponent(JSON.stringify(headers))}${rest}`, options)
  const accel = (value: string, options: Omit<Ask, "path"> = {}): Promise<Answer> =>
    ask({ "X-Accel-Redirect": value }, options)
  const sendfile = (value: string, options: Omit<Ask, "path"> = {}): Promise<Answer> =>
    ask({ "X-Sendfile": value }, options)

  it("becomes that file, and what names it is not seen", async () => {
    for (const answer of [
      await accel("/protected/report.txt"),
      await sendfile(join(files, "report.txt")),
      await sendfile("report.txt"),
    ]) {
      expect(answer).toMatchObject({ status: 200, text: "the report" })
      expect(answer.headers).toMatchObject({
        "content-length": "10",
        "accept-ranges": "bytes",
        "content-type": "text/plain; charset=utf-8",
      })
      expect(Object.keys(answer.headers).filter((it) => /accel|sendfile/.test(it))).toEqual([])
    }
  })

  it.each([
    ["/protected/with%20space.txt", "space"],
    ["/protected/with space.txt", "space"],
    ["/protected/%c3%bcn%c3%af.txt", "unicode"],
    ["/protected/per%2541cent.txt", "percent"],
    ["/protected//report.txt?a=b", "the report"],
    ["/protected/deep/.hidden.txt", "hidden"],
  ])("is found by X-Accel-Redirect: %s", async (value, content) => {
    expect((await accel(value)).text).toBe(content)
  })

  it.each([
    ["with space.txt", "space"],
    ["per%41cent.txt", "percent"],
    ["deep/../report.txt", "the report"],
    [Buffer.from("ünï.txt").toString("latin1"), "unicode"],
  ])("is found by X-Sendfile: %s", async (value, content) => {
    expect((await sendfile(value)).text).toBe(content)
  })

  it("may name the folder by a link to it", async () => {
    expect((await sendfile(join(dir, "link-to-private/report.txt"))).text).toBe("the report")
  })

  it.each([
    ["X-Accel-Redirect", "/elsewhere/report.txt", 502],
    ["X-Accel-Redirect", "/protected", 502],
    ["X-Accel-Redirect", "/protected/../secret.txt", 502],
    ["X-Accel-Redirect", "/protected/%2e%2e/secret.txt", 502],
    ["X-Accel-Redirect", "/protected/%zz", 502],
    ["X-Accel-Redirect", "/protected/%00", 502],
    ["X-Accel-Redirect", "http://elsewhere/protected/report.txt", 502],
    ["X-Accel-Redirect", "/protected/..%2fsecret.txt", 404],
    ["X-Accel-Redirect", "/protected/nothing.txt", 404],
    ["X-Accel-Redirect", "/protected/deep", 404],
    ["X-Accel-Redirect", "/protected/deep/", 404],
    ["X-Accel-Redirect", "/protected/link.txt", 404],
    ["X-Accel-Redirect", "", 502],
    ["X-Sendfile", "/etc/passwd", 502],
    ["X-Sendfile", "../secret.txt", 502],
    ["X-Sendfile", join(files, "../secret.txt"), 502],
    ["X-Sendfile", `${files}-sibling/x`, 502],
    ["X-Sendfile", files, 502],
    ["X-Sendfile", "link.txt", 404],
    ["X-Sendfile", "nothing.txt", 404],
    ["X-Sendfile", "", 502],
  ])("by %s: %s is answered %i", async (name, value, status) => {
    const answer = await ask({ [name]: value })
    expect(answer.status).toBe(status)
    expect(answer.text).not.toMatch(/secret|root:|private/)
  })

  it("that is not allowed says in the log what is", async () => {
    await accel("/elsewhere/x")
    await host.logged(
      /APP_RESPONSE_INVALID.*X-Accel-Redirect names .*\/elsewhere\/x.* allows paths below \/protected\//,
    )
    await sendfile("/etc/shadow")
    await host.logged(new RegExp(`X-Sendfile names .*/etc/shadow.* allows files below ${files}`))
  })

  it("keeps what nginx keeps of the app's head, and nothing else", async () => {
    const answer = await ask(
      {
        "X-Accel-Redirect": "/protected/report.txt",
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="r.pdf"',
        "Content-Language": "de",
        "Set-Cookie": ["a=1", "b=2"],
        "Cache-Control": "private",
        Expires: "0",
        ETag: '"the app\'s"',
        "Last-Modified": "Mon, 01 Jan 2001 00:00:00 GMT",
        "Content-Length": "999999",
        "X-Custom": "x",
        "X-Accel-Buffering": "no",
      },
      {},
      "&status=404&endless",
    )
    expect(answer).toMatchObject({ status: 200, text: "the report" })
    expect(answer.headers).toMatchObject({
      "content-type": "application/pdf",
      "content-disposition": 'attachment; filename="r.pdf"',
      "content-language": "de",
      "set-cookie": ["a=1", "b=2"],
      "cache-control": "private",
      expires: "0",
      "last-modified": OLD.toUTCString(),
      "content-length": "10",
    })
    expect(answer.headers["etag"]).toMatch(/^"a-/)
    expect(answer.headers).not.toHaveProperty("x-custom")
  })

  it("answers ranges, conditions and HEAD", async () => {
    const { headers } = await accel("/protected/report.txt")
    expect(await accel("/protected/report.txt", { headers: { range: "bytes=4-" } })).toMatchObject({
      status: 206,
      text: "report",
    })
    expect(
      (await accel("/protected/report.txt", { headers: { range: "bytes=40-" } })).headers["content-range"],
    ).toBe("bytes */10")
    expect(
      (await accel("/protected/report.txt", { headers: { "if-none-match": String(headers["etag"]) } }))
        .status,
    ).toBe(304)
    expect(await accel("/protected/report.txt", { method: "HEAD" })).toMatchObject({ status: 200, text: "" })
    const posted = await accel("/protected/report.txt", {
      method: "POST",
      body: "x",
      headers: { "if-none-match": String(headers["etag"]) },
    })
    expect(posted).toMatchObject({ status: 200, text: "the report" })
  })

  it("goes through the app's compression", async () => {
    const path = `/pressed/x?headers=${encodeURIComponent('{"X-Accel-Redirect":"/protected/big.bin","Content-Type":"text/plain"}')}`
    const { headers, status } = await host.ask(path, { headers: { "accept-encoding": "gzip" } })
    expect([status, headers["content-encoding"]]).toEqual([200, "gzip"])
  })

  it("leaves the instance free while a slow client takes the file", async () => {
    const { hostname, port } = new URL(host.url)
    const slow = connect(Number(port), hostname)
    slow.write(
      `GET /sends/x?headers=${encodeURIComponent('{"X-Accel-Redirect":"/protected/big.bin"}')} HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    await within(5000, "the head", new Promise((resolve) => slow.once("readable", resolve)))
    // One request at a time is all that the instance takes.
    expect((await host.ask("/sends/y")).text).toMatch(/^app GET/)
    expect(host.app("sends").instances[0]?.inFlight).toBe(0)
    slow.destroy()
  })

  it("stops an app that goes on talking", async () => {
    const answer = await ask({ "X-Accel-Redirect": "/protected/report.txt" }, {}, "&endless")
    expect(answer.text).toBe("the report")
    expect((await host.ask("/sends/y")).text).toMatch(/^app GET/)
  })

  it("is no answer from an app that may not: 502, and no client sees where files lie", async () => {
    for (const name of ["X-Accel-Redirect", "X-Sendfile", "x-SENDFILE"]) {
      const path = `/strict/x?headers=${encodeURIComponent(JSON.stringify({ [name]: "/srv/private/x" }))}`
      const answer = await host.ask(path)
      expect(answer.status).toBe(502)
      expect(JSON.stringify([answer.rawHeaders, answer.text])).not.toContain("/srv/private")
      const response = await host.host.fetch(new Request(`http://x${path}`))
      expect([response.status, response.headers.has(name)]).toEqual([502, false])
    }
    await host.logged(/APP_RESPONSE_INVALID.*X-Sendfile.*no \\?"sendfile/)
    const others = await host.ask(`/strict/x?headers=${encodeURIComponent('{"X-Accel-Buffering":"no"}')}`)
    expect(others.headers["x-accel-buffering"]).toBe("no")
  })

  it("is not a client's to ask for, nor to make an app name", async () => {
    expect((await host.ask("/sends/protected/report.txt")).text).toMatch(/^app GET \/protected\/report.txt/)
    const claims = {
      "X-Accel-Redirect": "/protected/x",
      "X-Sendfile": "/x",
      "X-Sendfile-Type": "X-Accel-Redirect",
      "X-Accel-Mapping": "/=/protected/",
      X_Accel_Mapping: "/=/protected/",
      "X-Accel-Buffering": "no",
    }
    const { text } = await host.ask("/strict/x", { headers: claims })
    expect(text.match(/"x.(?:accel|sendfile)[^"]*"/g)).toEqual(['"x-accel-buffering"'])
    const called = await host.host.fetch(
      new Request("http://x/strict/x", { headers: { "X-Sendfile-Type": "x" } }),
    )
    expect(await called.text()).not.toContain("sendfile-type")
  })
})
