/** What a fetch app sees of a request, and what a client sees of its answer and of its failures. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { describe, expect, onTestFinished, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import type { Answer, Ask } from "../support/http-client.ts"
import { testUnless } from "../support/known-limit.ts"
import type { TestRuntime } from "../support/table.ts"
import { suiteHost } from "./suite-host.ts"

export function fetchSuite(runtime: TestRuntime): void {
  // An isolate has web APIs only.
  const hasProcess = runtime.name !== "isolate"
  describe(`fetch app on ${runtime.name} ${runtime.asked}`, () => {
    const host = suiteHost(runtime, { behaviours: { entry: "app.mjs", env: { GREETING: "hello" } } })
    const ask = (path: string, options: Omit<Ask, "path"> = {}): Promise<Answer> =>
      host().ask(`/behaviours/${path}`, options)

    describe("requests", () => {
      test("runs on the version that was asked for", async () => {
        expect(host().app("behaviours").runtime).toEqual({ name: runtime.name, version: runtime.version })
        expect((await ask("hello")).text).toBe("hello")
      })

      test.each([
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PROPFIND",
      ])("method %s", async (method) => {
        expect((await ask("method", { method })).text).toBe(method)
      })

      test("the URL has the client's scheme, host and query, the prefix stripped", async () => {
        const { text } = await ask("url/a%20b/c?q=1&q=%C3%A4", { headers: { host: "shop.example.com:81" } })
        expect(text).toBe("http://shop.example.com:81/url/a%20b/c?q=1&q=%C3%A4")
      })

      test("a target with two slashes does not become a host", async () => {
        const { text } = await ask("/evil.example/url", { headers: { host: "good.example" } })
        expect(text).toBe("no such behaviour")
        expect((await ask("url//evil.example/", { headers: { host: "good.example" } })).text).toBe(
          "http://good.example/url//evil.example/",
        )
      })

      test("headers: values as they are, Latin-1 too, forwarded ones the host's own", async () => {
        const { text } = await ask("headers-in", {
          headers: [
            "Host",
            "a.example",
            "X-Mine",
            "1",
            "X-Latin",
            "caf\u00e9",
            "X-Two",
            "1",
            "X-Two",
            "2",
            "X-Forwarded-For",
            "6.6.6.6",
          ],
        })
        const headers = new Map(JSON.parse(text) as [string, string][])
        expect(headers.get("x-mine")).toBe("1")
        expect(headers.get("x-latin")).toBe("caf\u00e9")
        expect(headers.get("x-two")).toBe("1, 2")
        expect(headers.get("x-forwarded-for")).toBe("127.0.0.1")
        expect(headers.get("x-forwarded-host")).toBe("a.example")
        expect(headers.get("x-forwarded-proto")).toBe("http")
        expect(headers.get("x-forwarded-prefix")).toBe("/behaviours")
        expect(headers.get("host")).toBe("a.example")
      })

      test("body readers give what was sent", async () => {
        const post = (path: string, body: string | Uint8Array, type = "text/plain") =>
          ask(path, { method: "POST", body, headers: { "content-type": type } })
        expect((await post("text", "tëxt \u{1f600}")).text).toBe("tëxt \u{1f600}")
        expect((await post("text", "\ufeffbom")).text).toBe("bom")
        expect((await post("json", '{"a":[1,"ä"]}', "application/json")).text).toBe('{"a":[1,"ä"]}')
        expect((await post("array-buffer", new Uint8Array([1, 2, 255]))).text).toBe("3 1,2,255")
        expect((await post("bytes", new Uint8Array([1, 2, 255]))).text).toMatch(/^(1,2,255|none)$/)
        // Bun takes no type from the headers of a Request that was made with a stream.
        const blobType = runtime.name === "bun" ? "" : "text/x-mine"
        expect((await post("blob", "blobby", "text/x-mine")).text).toBe(`6 ${blobType}`)
        expect((await post("clone", "twice")).text).toBe("twice twice")
        // Bun 1.3 never ends reading a Request that was made of one with a stream, its own Requests too.
        if (!runtime.version.startsWith("1.3."))
          expect((await post("wrap", "inside")).text).toBe("true POST 1 inside")
        expect((await post("body-twice", "x")).text).toBe("refused true")
        expect((await post("byob", new Uint8Array(2500))).text).toBe("2500")
      })

      test("an empty body reads as empty, and is null when there is none", async () => {
        expect((await ask("text")).text).toBe("")
        expect(
          (await ask("text", { method: "POST", body: "", headers: { "content-length": "0" } })).text,
        ).toBe("")
        expect((await ask("body-null")).text).toBe("null")
        expect((await ask("array-buffer")).text).toBe("0 ")
      })

      test("formData of both encodings", async () => {
        const encoded = await ask("form", {
          method: "POST",
          body: "name=v%C3%A4lue",
          headers: { "content-type": "application/x-www-form-urlencoded" },
        })
        expect(JSON.parse(encoded.text)).toEqual({ name: "välue", file: null })
        const multipart = await ask("form", {
          method: "POST",
          body: [
            '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nvalue\r\n',
            '--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\ninside\r\n--b--\r\n',
          ].join(""),
          headers: { "content-type": "multipart/form-data; boundary=b" },
        })
        expect(JSON.parse(multipart.text)).toEqual({ name: "value", file: { name: "f.txt", text: "inside" } })
      })

      test("the request is a Request, and can be made into another", async () => {
        expect((await ask("instance")).text).toBe("true [object Request] true")
        expect((await ask("wrap-url", { headers: { "x-mine": "m" } })).text).toBe("GET /elsewhere m")
      })

      test("can be forwarded by fetch, and the answer of fetch returned, whatever its encoding", async () => {
        const server = createServer((request, response) => {
          const encoding = request.url === "/br" ? "br" : "gzip"
          const chunks: Buffer[] = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            const text = `${request.method} ${Buffer.concat(chunks).toString()}`
            const body = encoding === "br" ? brotliCompressSync(text) : gzipSync(text)
            response.writeHead(203, {
              "content-encoding": encoding,
              "content-length": body.length,
              "x-far": "1",
            })
            response.end(body)
          })
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        onTestFinished(() => {
          server.closeAllConnections()
          server.close()
        })
        const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const got = await ask("fetch-url", { headers: { "x-target": `${target}/gzip` } })
        expect([got.status, got.text, got.headers["x-far"]]).toEqual([203, "GET ", "1"])
        expect(got.headers["content-encoding"]).toBeUndefined()
        expect((await ask("fetch-url", { headers: { "x-target": `${target}/br` } })).text).toBe("GET ")
        const forwarded = await ask("forward", {
          method: "POST",
          body: "carried on",
          headers: { "x-target": `${target}/gzip` },
        })
        expect(forwarded.text).toBe("POST carried on")
      })
    })

    describe("responses", () => {
      test.each([
        ["hello", 200, "hello"],
        ["buffer", 200, "\u0000\u0001\u0002\u00fd\u00fe\u00ff"],
        ["array-buffer-out", 200, "\u0001\u0002\u0003"],
        ["empty", 200, ""],
        ["none", 200, ""],
        ["json-out", 201, '{"a":1}'],
        ["blob-out", 200, "blob"],
        ["search-out", 200, "a=1+2"],
        ["subclass", 202, "sub"],
        ["clone-out", 200, "cloned"],
        ["copy-out", 203, "copied"],
        ["text-type", 200, "typed"],
      ])("%s", async (path, status, body) => {
        const answer = await ask(path)
        expect([answer.status, answer.body.toString("latin1"), answer.cut]).toEqual([status, body, false])
      })

      test("bodies bring their content-type, and headers that are given win", async () => {
        expect((await ask("hello")).headers["content-type"]?.toLowerCase()).toBe("text/plain;charset=utf-8")
        expect((await ask("json-out")).headers["content-type"]).toMatch(/^application\/json/)
        expect((await ask("text-type")).headers["content-type"]).toBe("text/html; charset=utf-8")
        // Bun 1.2.0 tells the type of a Blob to its own server only.
        if (runtime.version !== "1.2.0")
          expect((await ask("blob-out")).headers["content-type"]).toBe("text/x-blob")
        expect((await ask("search-out")).headers["content-type"]).toMatch(
          /^application\/x-www-form-urlencoded/,
        )
        expect((await ask("form-out")).headers["content-type"]).toMatch(/^multipart\/form-data; ?boundary=/)
        expect((await ask("buffer")).headers["content-type"]).toBeUndefined()
      })

      test("several set-cookie lines stay several lines", async () => {
        for (const path of ["cookies", "cookies-list"]) {
          expect((await ask(path)).headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2, still b"])
        }
        expect((await ask("headers-later")).headers["set-cookie"]).toEqual(["a=1", "b=2"])
        expect((await ask("cookies")).headers["x-many"]).toBe("1, 2")
      })

      test("a short answer says its length, a long one arrives whole", async () => {
        expect((await ask("hello")).headers["content-length"]).toBe("5")
        const big = await ask("big-string")
        expect(big.text).toBe("ä".repeat(300_000))
        if (runtime.name === "node" || runtime.name === "thread")
          expect(big.headers["content-length"]).toBe("600000")
      })

      test("statuses, redirects, and answers without a body", async () => {
        for (const status of [200, 299, 404, 418, 500, 599]) {
          const answer = await ask("status", { headers: { "x-status": String(status) } })
          expect([answer.status, answer.text]).toEqual([status, "status"])
        }
        const redirect = await ask("redirect", { headers: { host: "a.example" } })
        expect([redirect.status, redirect.headers.location]).toEqual([303, "http://a.example/target"])
        expect((await ask("no-content")).status).toBe(204)
        expect((await ask("no-content")).headers["content-length"]).toBeUndefined()
        const same = await ask("not-modified")
        expect([same.status, same.text, same.headers.etag]).toEqual([304, "", '"x"'])
      })

      test("HEAD has the head of GET and no body", async () => {
        for (const path of ["hello", "stream", "big-string"]) {
          const head = await ask(path, { method: "HEAD" })
          expect([head.status, head.text, head.cut]).toEqual([200, "", false])
        }
      })

      test("header values in Latin-1; wider ones never become line breaks", async () => {
        expect((await ask("latin")).headers["x-latin"]).toBe("caf\u00e9")
        expect((await ask("wide")).headers["x-injected"]).toBeUndefined()
        expect((await ask("header-invalid")).status).toBe(500)
        expect((await ask("header-name-invalid")).status).toBe(500)
      })

      test("hop-by-hop fields of the app do not reach the client", async () => {
        const { headers, text, cut } = await ask("hop-out")
        expect([text, cut, headers["keep-alive"], headers.upgrade]).toEqual([
          "hop",
          false,
          undefined,
          undefined,
        ])
        expect(headers["transfer-encoding"]).not.toBe("gzip")
      })

      test.each([
        "length-short",
        "length-long",
        "length-stream-long",
      ])("a wrong content-length shows: %s", async (path) => {
        const answer = await ask(path).catch(() => undefined)
        // Node's Response leaves it to the server; others may correct it.
        const honest =
          answer !== undefined &&
          !answer.cut &&
          Number(answer.headers["content-length"]) === answer.body.length
        expect(answer === undefined || answer.cut || answer.status === 502 || honest).toBe(true)
        expect((await ask("hello")).text).toBe("hello")
      })
    })

    describe("failures", () => {
      test.each([
        "throws",
        "rejects",
        "throws-null",
        "used-body",
      ])("%s: 500, nothing leaks, the log has it", async (path) => {
        const answer = await ask(path)
        expect(answer.status).toBe(500)
        expect(answer.headers["content-type"]).toBe("application/problem+json")
        const problem = JSON.parse(answer.text)
        expect(problem).toMatchObject({ status: 500, code: "APP_ERROR", app: "behaviours" })
        expect(answer.text).not.toMatch(/secret|path\/of/)
        await host().logged(new RegExp(`APP_ERROR request ${problem.requestId}`))
      })

      test("a browser gets a page", async () => {
        const answer = await ask("throws", { headers: { accept: "text/html,*/*" } })
        expect([answer.status, answer.headers["content-type"]]).toEqual([500, "text/html; charset=utf-8"])
        expect(answer.text).not.toMatch(/secret|path\/of/)
      })

      test.each([
        "returns-nothing",
        "returns-string",
        "returns-object",
        "returns-node-like",
        "returns-error",
      ])("%s: 502 APP_RESPONSE_INVALID", async (path) => {
        const answer = await ask(path)
        expect([answer.status, JSON.parse(answer.text).code]).toEqual([502, "APP_RESPONSE_INVALID"])
      })

      test.each(["throws-stream", "stream-strings"])("%s: the client can see the cut", async (path) => {
        const answer = await ask(path).catch(() => undefined)
        expect(answer === undefined || answer.cut || answer.status >= 500).toBe(true)
      })

      test("a rejection that nobody handles is the app's own affair, and the next request is answered", async () => {
        const answer = await ask("unhandled")
        expect([200, 502]).toContain(answer.status)
        // Where such a rejection ends the process, the end may meet the next request too.
        await eventually(10_000, "an answer", async () => (await ask("hello")).status === 200)
      })

      testUnless(
        !hasProcess,
        "process.exit in a request: 502 APP_CRASHED, and a replacement answers the next",
        async () => {
          const before = (await ask("pid")).text
          const first = host().app("behaviours").instances[0]?.id
          const answer = await ask("exit")
          expect([answer.status, JSON.parse(answer.text).code]).toEqual([502, "APP_CRASHED"])
          const after = await ask("pid")
          expect(after.status).toBe(200)
          // A thread's process goes on.
          if (runtime.name !== "thread") expect(after.text).not.toBe(before)
          expect(
            host()
              .app("behaviours")
              .instances.map(({ id }) => id),
          ).not.toContain(first)
        },
      )

      testUnless(!hasProcess, "output of the app is log and never protocol", async () => {
        expect((await ask("noise")).text).toBe("noisy")
        await host().logged(/"source":"stdout".*"message":"\{\\"frame\\":\\"not a protocol\\"\}/)
        expect((await ask("hello")).text).toBe("hello")
      })
    })

    describe("context", () => {
      test("has env, app, signal, log, waitUntil, clientAddress", async () => {
        expect(JSON.parse((await ask("context")).text)).toEqual({
          env: "hello",
          app: { name: "behaviours", generation: 1, instance: expect.stringMatching(/^behaviours-\d+$/) },
          clientAddress: "127.0.0.1",
          signal: true,
          log: ["debug", "error", "info", "warn"],
          waitUntil: "function",
        })
      })

      test("serves Workers apps: (request, env, ctx)", async () => {
        expect(JSON.parse((await ask("workers")).text)).toEqual({ env: "hello", waitUntil: "function" })
      })

      test("log lines arrive with the app's name", async () => {
        await ask("log")
        await host().logged(/"source":"log","app":"behaviours".*"message":"warn: a remark of the app"/)
      })

      test("a promise of waitUntil that rejects harms nobody", async () => {
        const instances = (): string[] =>
          host()
            .app("behaviours")
            .instances.map(({ id }) => id)
        await ask("hello")
        const before = instances()
        expect((await ask("wait-until-rejects")).text).toBe("ok")
        await host().logged(/background failure/)
        expect((await ask("hello")).text).toBe("hello")
        expect(instances()).toEqual(before)
      })
    })
  })
}
