/** Static files: who is asked, what is seen of changes, what is sent, what is never held. */
import { createHash, randomBytes } from "node:crypto"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { failure } from "../../host/static/find-file.ts"
import { eventually, within } from "../support/deadline.ts"
import { TestHost } from "../support/harness.ts"
import { collect, open, RawConnection } from "../support/http-client.ts"
import { makeTree } from "./tree.ts"

const APP = { dir: join(import.meta.dirname, "../fixtures/apps/sendfile"), instances: { min: 0, max: 1 } }
const OLD = new Date("2024-01-02T03:04:05Z")
const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }

describe("static files", () => {
  let host: TestHost
  const dir = mkdtempSync(join(tmpdir(), "pht-static-"))
  const root = join(dir, "public")
  const big = randomBytes(10 * 1024 * 1024)

  const put = (name: string, content: string | Uint8Array, modified: Date | null = OLD): string => {
    const path = join(root, name)
    writeFileSync(path, content)
    if (modified !== null) utimesSync(path, modified, modified)
    return path
  }

  beforeAll(async () => {
    makeTree(dir)
    put("big.bin", big)
    put("long.css", "a{color:red}".repeat(1000))
    mkdirSync(join(dir, "empty"))
    host = await TestHost.start(
      {
        files: { ...APP, static: [{ path: "/*", dir: root, missing: "404", cache: "1h" }] },
        front: {
          ...APP,
          static: [
            { path: "/assets/*", dir: root, cache: "immutable" },
            { path: "/one", file: join(root, "hello.txt"), cache: "off" },
            { path: "/linked", file: join(root, "link-out.txt") },
            { path: "/spa/*", dir: root, fallback: "page.html" },
            { path: "/later/*", dir: join(dir, "later") },
            { path: "/*", dir: root, fallback: "page.html", missing: "app" },
          ],
        },
        failing: {
          ...APP,
          entry: "fails.cjs",
          instances: 1,
          static: [{ path: "/*", dir: root, missing: "404" }],
        },
        pressed: { ...APP, compression: true, static: [{ path: "/*", dir: root, precompressed: false }] },
      },
      { eager: true },
    )
  })

  afterAll(async () => {
    await host.close()
    rmSync(dir, { recursive: true })
  })

  const text = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
    (await host.ask(path, { headers })).text

  describe("are answered", () => {
    it("with their cache headers", async () => {
      const cacheOf = async (path: string): Promise<string | undefined> =>
        (await host.ask(path)).headers["cache-control"]
      expect(await cacheOf("/files/hello.txt")).toBe("public, max-age=3600")
      expect(await cacheOf("/front/assets/hello.txt")).toBe("public, max-age=31536000, immutable")
      expect(await cacheOf("/front/one")).toBe(undefined)
      expect(await cacheOf("/front/hello.txt")).toBe("public, max-age=0")
      expect(await cacheOf("/files/nothing")).toBe("no-store")
    })

    it("with charset for text, and without for the rest", async () => {
      const typeOf = async (path: string): Promise<string | undefined> =>
        (await host.ask(path)).headers["content-type"]
      expect(await typeOf("/files/hello.txt")).toBe("text/plain; charset=utf-8")
      expect(await typeOf("/files/app.js")).toBe("application/javascript; charset=utf-8")
      expect(await typeOf("/files/image.png")).toBe("image/png")
    })

    it("by HEAD as by GET", async () => {
      for (const path of ["hello.txt", "empty.txt", "big.bin", "docs", "docs/", "nothing", "app.js"]) {
        const [get, head] = await Promise.all(
          ["GET", "HEAD"].map((method) => host.ask(`/files/${path}`, { method })),
        )
        expect(head?.body.length).toBe(0)
        const named = (answer: typeof get): object => ({
          status: answer?.status,
          ...answer?.headers,
          date: "",
          "x-request-id": "",
          "content-length": answer?.status === 404 ? "" : answer?.headers["content-length"],
        })
        expect(named(head)).toEqual(named(get))
      }
    })

    it("from one file that the manifest names, a link included", async () => {
      expect(await text("/front/one")).toBe("hello world\n")
      expect(await text("/front/linked")).toBe("secret")
      expect((await host.ask("/front/one/", { headers: { accept: "*/*" } })).text).toMatch(/^app GET/)
    })

    it("to folders with a redirect on this host that keeps prefix and query", async () => {
      const to = async (path: string): Promise<unknown> => {
        const { status, headers } = await host.ask(path)
        return [status, headers.location]
      }
      expect(await to("/files/docs?a=b&c")).toEqual([301, "/files/docs/?a=b&c"])
      expect(await to("/front/assets/docs")).toEqual([301, "/front/assets/docs/"])
      expect(await to("/files//docs")).toEqual([301, "/files//docs/"])
      expect((await to("/front/assets")) as unknown[]).toEqual([301, "/front/assets/"])
    })

    it("in order on a connection that asks for several at once", async () => {
      const connection = new RawConnection(host.url)
      const ask = (path: string, rest = ""): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${rest}\r\n`
      connection.write(
        ask("/files/hello.txt") +
          ask("/files/nothing") +
          ask("/files/docs/") +
          ask("/files/1", "Connection: close\r\n"),
      )
      const all = await connection.closed()
      expect([...all.matchAll(/HTTP\/1.1 (\d+)/g)].map((it) => it[1])).toEqual(["200", "404", "200", "404"])
      expect(all.indexOf("hello world")).toBeLessThan(all.indexOf("<h1>docs"))
    })

    it("to a request in this process", async () => {
      const response = await host.host.fetch(
        new Request("http://x/files/hello.txt", { headers: { range: "bytes=6-10" } }),
      )
      expect([response.status, await response.text()]).toEqual([206, "world"])
      const whole = await host.host.fetch(new Request("http://x/files/big.bin"))
      expect(Buffer.from(await whole.arrayBuffer()).equals(big)).toBe(true)
    })
  })

  describe("and their app", () => {
    it("is asked for what is no file, in folders that say so", async () => {
      expect(await text("/front/nothing")).toMatch(/^app GET \/nothing /)
      expect(await text("/front/noindex")).toMatch(/^app GET \/noindex /)
      expect(await text("/front/.env")).toMatch(/^app GET/)
      expect((await host.ask("/front/hello.txt", { method: "POST", body: "x" })).text).toMatch(/^app POST/)
      expect((await host.ask("/front/new", { method: "PUT", body: "x" })).text).toMatch(/^app PUT/)
      expect((await host.ask("/front/assets/hello.txt", { method: "POST", body: "x" })).status).toBe(405)
      expect((await host.ask("/front/assets/nothing")).status).toBe(404)
      expect((await host.ask("/front/100%")).status).toBe(400)
    })

    it("is not woken by files, whatever its state", async () => {
      expect((await host.ask("/files/hello.txt")).status).toBe(200)
      expect(host.app("files")).toMatchObject({ state: "idle", instances: [] })
      expect((await host.ask("/failing/hello.txt")).status).toBe(200)
      expect((await host.ask("/pressed/hello.txt")).status).toBe(200)
      expect(host.app("pressed").instances).toEqual([])
    })

    it("leaves pages to the fallback of a single-page app", async () => {
      const page = await host.ask("/front/spa/users/1", { headers: HTML })
      expect(page).toMatchObject({ status: 200, text: "<p>page</p>\n" })
      expect(page.headers).toMatchObject({ "cache-control": "no-cache", vary: "Accept" })
      const notModified = await host.ask("/front/spa/users/2", {
        headers: { ...HTML, "if-none-match": String(page.headers["etag"]) },
      })
      expect(notModified.status).toBe(304)
      // Nobody else could answer: anything goes, but what looks like a file.
      expect(await text("/front/spa/users/1", { accept: "*/*" })).toBe("<p>page</p>\n")
      expect((await host.ask("/front/spa/missing.js", { headers: { accept: "*/*" } })).status).toBe(404)
      expect((await host.ask("/front/spa/users/j.doe", { headers: HTML })).status).toBe(200)
      expect((await host.ask("/front/spa/api", { headers: { accept: "application/json" } })).status).toBe(404)
      expect((await host.ask("/front/spa/.env", { headers: HTML })).status).toBe(404)
      expect((await host.ask("/front/spa/x", { headers: HTML, method: "POST" })).status).toBe(404)
      // Else the app answers programs, and the fallback people.
      expect(await text("/front/api/users", { accept: "*/*" })).toMatch(/^app GET/)
      expect(await text("/front/users/1", HTML)).toBe("<p>page</p>\n")
    })
  })

  describe("that change", () => {
    it("are never seen as they were before a request, though size and time stay the same", async () => {
      for (const size of [10, 100_000, 300_000]) {
        for (let round = 0; round < 12; round++) {
          const content = String.fromCharCode(65 + round).repeat(size)
          put("live.txt", content)
          // Both from the disk and, asked for again, from memory.
          expect(await text("/files/live.txt")).toBe(content)
          expect(await text("/files/live.txt")).toBe(content)
        }
      }
    })

    it("are never seen as they were, when they were in memory for long", async () => {
      const realNow = Date.now()
      const now = vi.spyOn(Date, "now").mockImplementation(() => realNow + 10_000)
      try {
        for (let round = 0; round < 40; round++) {
          const content = String(round).padStart(8, "x")
          put("settled.new", content)
          renameSync(join(root, "settled.new"), join(root, "settled.txt"))
          const seen = await Promise.all(Array.from({ length: 5 }, () => text("/files/settled.txt")))
          expect(new Set(seen)).toEqual(new Set([content]))
        }
      } finally {
        now.mockRestore()
      }
    })

    it("are seen by each of many clients at once", async () => {
      put("many.txt", "0")
      let written = 0
      const clients = Array.from({ length: 8 }, async () => {
        for (let round = 0; round < 30; round++) {
          const before = written
          const seen = Number(await text("/files/many.txt"))
          expect(seen).toBeGreaterThanOrEqual(before)
        }
      })
      for (let version = 1; version <= 60; version++) {
        put("many.new", String(version))
        renameSync(join(root, "many.new"), join(root, "many.txt"))
        written = version
        await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(clients)
    })

    it("precompressed, that lead out of the folder do not stand in the way of the file itself", async () => {
      const file = join(root, "unusable.js")
      writeFileSync(file, "1")
      symlinkSync("../secret.txt", `${file}.br`)
      writeFileSync(`${file}.gz`, gzipSync("1"))
      const [best, plain] = await Promise.all(
        ["br, gzip", "br"].map((coding) =>
          host.ask("/files/unusable.js", { headers: { "accept-encoding": coding } }),
        ),
      )
      expect([best!.status, best!.headers["content-encoding"]]).toEqual([200, "gzip"])
      expect([plain!.status, plain!.headers["content-encoding"], plain!.text]).toEqual([200, undefined, "1"])
    })

    it("come, go, become folders and links", async () => {
      expect((await host.ask("/files/new.txt")).status).toBe(404)
      put("new.txt", "new")
      expect(await text("/files/new.txt")).toBe("new")
      rmSync(join(root, "new.txt"))
      expect((await host.ask("/files/new.txt")).status).toBe(404)
      mkdirSync(join(root, "new.txt"))
      put("new.txt/index.html", "folder")
      expect((await host.ask("/files/new.txt")).status).toBe(301)
      rmSync(join(root, "new.txt"), { recursive: true })
      symlinkSync("../secret.txt", join(root, "new.txt"))
      expect((await host.ask("/files/new.txt")).status).toBe(404)
      expect((await host.ask("/front/later/x.txt")).status).toBe(404)
      mkdirSync(join(dir, "later"))
      writeFileSync(join(dir, "later/x.txt"), "later")
      expect(await text("/front/later/x.txt")).toBe("later")
    })

    it("are cut when they become shorter while they are sent", async () => {
      const path = put("shrinks.bin", Buffer.alloc(40 * 1024 * 1024, "x"))
      const response = await open(host.url, { path: "/files/shrinks.bin" })
      truncateSync(path, 30 * 1024 * 1024)
      const answer = await collect(response)
      expect(answer.cut).toBe(true)
      expect(answer.body.length).toBeLessThan(40 * 1024 * 1024)
      await host.logged(/FILE_UNREADABLE/)
    })

    it("are cut when they are rewritten while they are sent, and not when another takes their name", async () => {
      const path = put("rewritten.bin", Buffer.alloc(40 * 1024 * 1024, "x"))
      const first = await open(host.url, { path: "/files/rewritten.bin" })
      writeFileSync(path, Buffer.alloc(40 * 1024 * 1024, "y"))
      expect((await collect(first)).cut).toBe(true)
      const second = await open(host.url, { path: "/files/rewritten.bin" })
      put("other.bin", "other")
      renameSync(join(root, "other.bin"), path)
      const whole = await collect(second)
      expect([whole.cut, whole.body.equals(Buffer.alloc(40 * 1024 * 1024, "y"))]).toEqual([false, true])
      rmSync(path)
      rmSync(join(root, "shrinks.bin"))
    })
  })

  describe("in variants", () => {
    const ask = (encoding: string, more: Record<string, string> = {}) =>
      host.ask("/files/all.css", { headers: { "accept-encoding": encoding, ...more } })

    it.each([
      ["gzip", "gzip"],
      ["br", "br"],
      ["zstd", "zstd"],
      ["gzip, deflate, br, zstd", "br"],
      ["zstd, gzip", "zstd"],
      ["gzip;q=1, br;q=0.5", "gzip"],
      ["br;q=0, *", "zstd"],
      ["identity;q=1, *;q=0", undefined],
      ["deflate", undefined],
    ])("answer Accept-Encoding: %s with %s", async (accepted, coding) => {
      const { headers, status } = await ask(accepted)
      expect([status, headers["content-encoding"], headers.vary]).toEqual([200, coding, "Accept-Encoding"])
      expect(headers["content-type"]).toBe("text/css; charset=utf-8")
    })

    it("have tags of their own, with which they are found not modified, and continued", async () => {
      const tags = new Map<string, string>()
      for (const coding of ["br", "zstd", "gzip", "identity"])
        tags.set(coding, String((await ask(coding)).headers["etag"]))
      expect(new Set(tags.values()).size).toBe(4)
      for (const coding of tags.keys())
        for (const [other, tag] of tags) {
          const isSame = coding === other
          expect((await ask(coding, { "if-none-match": tag })).status).toBe(isSame ? 304 : 200)
          expect((await ask(coding, { "if-match": tag })).status).toBe(isSame ? 200 : 412)
          expect((await ask(coding, { "if-range": tag, range: "bytes=0-3" })).status).toBe(isSame ? 206 : 200)
        }
    })

    it("are seen as soon as they are there, and no longer", async () => {
      put("seen.css", "a{}".repeat(100))
      const codingOf = async (): Promise<string | undefined> =>
        (await host.ask("/files/seen.css", { headers: { "accept-encoding": "br" } })).headers[
          "content-encoding"
        ]
      expect([await codingOf(), await codingOf()]).toEqual([undefined, undefined])
      put("seen.css.br", "br")
      expect([await codingOf(), await codingOf()]).toEqual(["br", "br"])
      rmSync(join(root, "seen.css.br"))
      expect(await codingOf()).toBe(undefined)
    })

    it("are made by the app's compression where there are none", async () => {
      const { headers } = await host.ask("/pressed/long.css", { headers: { "accept-encoding": "gzip" } })
      expect([headers["content-encoding"], headers.vary]).toEqual(["gzip", "Accept-Encoding"])
    })
  })

  describe("of 10 MiB", () => {
    it("arrive whole, from disk and from memory, by many clients at once", async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => host.ask("/files/big.bin")))
      for (const { body, cut } of answers) expect([cut, body.equals(big)]).toEqual([false, true])
    })

    it("arrive by ranges, single and many", async () => {
      const at = (index: number): number =>
        createHash("md5").update(String(index)).digest().readUInt32BE() % big.length
      const pairs = Array.from(
        { length: 24 },
        (_, i) => [at(i), at(i + 100)].sort((a, b) => a - b) as [number, number],
      )
      for (const [start, end] of pairs) {
        const { body, status } = await host.ask("/files/big.bin", {
          headers: { range: `bytes=${start}-${end}` },
        })
        expect([status, body.equals(big.subarray(start, end + 1))]).toEqual([206, true])
      }
      const { body, headers } = await host.ask("/files/big.bin", {
        headers: { range: "bytes=1000000-2999999,-500000,5-9" },
      })
      const boundary = /boundary=(.+)/.exec(headers["content-type"] ?? "")?.[1] ?? "?"
      const parts = body.toString("latin1").split(`\r\n--${boundary}`).slice(1, -1)
      const bodies = parts.map((it) => Buffer.from(it.slice(it.indexOf("\r\n\r\n") + 4), "latin1"))
      expect(bodies.map((it) => it.length)).toEqual([2_000_000, 500_000, 5])
      expect(bodies[0]?.equals(big.subarray(1_000_000, 3_000_000))).toBe(true)
      expect(bodies[1]?.equals(big.subarray(-500_000))).toBe(true)
    })

    it("cost little memory and no file for long, though clients stand still or leave", async () => {
      put("huge.bin", Buffer.alloc(48 * 1024 * 1024, "huge"))
      const files = (): number => readdirSync("/proc/self/fd").length
      const before = { files: files(), bytes: heldBytes() }
      const names = ["big.bin", "huge.bin"]
      const { hostname, port } = new URL(host.url)
      const slow = Array.from({ length: 60 }, (_, i) => {
        const socket = connect(Number(port), hostname)
        socket.write(`GET /files/${names[i % 2]} HTTP/1.1\r\nHost: x\r\n\r\n`)
        return socket
      })
      // A socket that nobody reads from stops by itself.
      await Promise.all(
        slow.map((one) => within(5000, "a head", new Promise((resolve) => one.once("readable", resolve)))),
      )
      expect(heldBytes() - before.bytes).toBeLessThan(100 * 1024 * 1024)
      for (const one of slow) one.destroy()
      await eventually(10_000, "files to be closed", () => files() <= before.files)
      rmSync(join(root, "huge.bin"))
    })
  })

  it("that cannot be read are told from those that are not there", () => {
    const kinds = [
      "ENOENT",
      "ENOTDIR",
      "ELOOP",
      "ENAMETOOLONG",
      "EACCES",
      "EPERM",
      "EIO",
      "EMFILE",
      "ESTALE",
    ].map((code) => {
      const finding = failure(Object.assign(new Error("x"), { code }), "/x")
      return finding.kind === "failed" ? finding.code : finding.kind
    })
    expect(kinds).toEqual([
      ...["missing", "missing", "missing", "missing"],
      ...["FILE_FORBIDDEN", "FILE_FORBIDDEN", "FILE_UNREADABLE", "FILE_UNREADABLE", "FILE_UNREADABLE"],
    ])
  })

  it("go on being sent while their host closes", async () => {
    const other = await TestHost.start({
      files: { ...APP, static: [{ path: "/*", dir: root, missing: "404" }] },
    })
    const response = await open(other.url, { path: "/files/big.bin" })
    const closed = other.close()
    const answer = await within(10_000, "the file", collect(response))
    expect(answer.body.equals(big)).toBe(true)
    await closed
  })
})

/** Memory that is in use, in buffers and on the heap. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
