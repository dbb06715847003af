import { beforeAll, describe, expect, it } from "vitest"
import { type BareContext, bareContext } from "./bare-context.ts"

let context: BareContext
beforeAll(async () => {
  context = await bareContext()
})

describe("the parts of a Response", () => {
  it("are what it was made of", async () => {
    const parts = await context.run(`return seam.responseParts(new Response("hello"))`)
    expect(parts).toEqual({
      status: 200,
      statusText: "",
      headers: ["content-type", "text/plain;charset=UTF-8"],
      body: "hello",
    })
  })

  it("keep every set-cookie and the order of headers", async () => {
    const headers = await context.run(`
      const response = new Response(null, { status: 201, headers: { "X-B": "1", "x-a": "2" } })
      response.headers.append("Set-Cookie", "a=1")
      response.headers.append("Set-Cookie", "b=2")
      return seam.responseParts(response).headers`)
    expect(headers).toEqual(["x-b", "1", "x-a", "2", "set-cookie", "a=1", "set-cookie", "b=2"])
  })

  it("give bytes for bytes, a stream for a stream, null for nothing", async () => {
    const kinds = await context.run(`
      const of = (body) => Object.prototype.toString.call(seam.responseParts(new Response(body)).body)
      return [of(new Uint8Array(3)), of(new Blob(["x"])), of(new ReadableStream()), of(null)]`)
    expect(kinds).toEqual([
      "[object Uint8Array]",
      "[object Uint8Array]",
      "[object ReadableStream]",
      "[object Null]",
    ])
  })

  it("make the Response used, and are refused for a used one", async () => {
    const seen = await context.run(`
      const response = new Response("once")
      seam.responseParts(response)
      const again = await Promise.resolve().then(() => seam.responseParts(response)).catch((e) => e.name)
      return [response.bodyUsed, again, seam.responseParts({ status: 200 })]`)
    expect(seen).toEqual([true, "TypeError", null])
  })

  it("of an answer that fetch decoded say nothing of its encoded form, and a network error has none", async () => {
    const seen = await context.run(`
      const pairs = [["content-encoding", "gzip"], ["content-length", "9"], ["x-a", "b"]]
      const fetched = seam.makeResponse({ url: "http://b.test/", headers: seam.makeHeaders(pairs) })
      const own = new Response(null, { headers: pairs })
      const failed = await Promise.resolve().then(() => seam.responseParts(Response.error())).catch((e) => e.name)
      return [seam.responseParts(fetched).headers, seam.responseParts(own).headers.length, failed]`)
    expect(seen).toEqual([["x-a", "b"], 6, "TypeError"])
  })

  it("stay right when the app changed prototypes", async () => {
    const parts = await context.run(`
      const { getReader } = ReadableStream.prototype
      ReadableStream.prototype.getReader = () => { throw new Error("not the app's") }
      try {
        const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104, 105])); c.close() } })
        return await new Response(stream).text()
      } finally { ReadableStream.prototype.getReader = getReader }`)
    expect(parts).toBe("hi")
  })
})

describe("a Request that came from outside", () => {
  /** An outside that writes down what it was asked for. */
  const OUTSIDE = `
    const asked = []
    const outside = {
      get method() { return "POST" },
      get url() { asked.push("url"); return "http://a.test/x" },
      get headers() { asked.push("headers"); return seam.makeHeaders([["content-type", "application/json"]]) },
      get signal() { asked.push("signal"); return new AbortController().signal },
      body: {
        get used() { return false },
        async bytes() { asked.push("bytes"); return new TextEncoder().encode('{"a":1}') },
        stream() { asked.push("stream"); return new Blob(['{"a":1}']).stream() },
      },
    }
    const request = seam.receiveRequest(outside)
  `

  it("is a Request and asks for nothing before the app does", async () => {
    const seen = await context.run(`${OUTSIDE}
      return [request instanceof Request, request.method, [...asked], request.url, [...asked]]`)
    expect(seen).toEqual([true, "POST", [], "http://a.test/x", ["url"]])
  })

  it("reads its body whole without a stream", async () => {
    const seen = await context.run(`${OUTSIDE}
      const value = await request.json()
      return [value, request.bodyUsed, asked, await request.text().catch((e) => e.name)]`)
    expect(seen).toEqual([{ a: 1 }, true, ["bytes"], "TypeError"])
  })

  it("can be cloned, given on to another Request, and read as a stream", async () => {
    const seen = await context.run(`${OUTSIDE}
      const clone = request.clone()
      const moved = new Request(request, { headers: { "x-y": "1" } })
      return [await clone.text(), await moved.text(), request.bodyUsed, moved.headers.get("x-y"), moved.method]`)
    expect(seen).toEqual(['{"a":1}', '{"a":1}', true, "1", "POST"])
  })

  it("has one headers object and one signal", async () => {
    const seen = await context.run(`${OUTSIDE}
      request.headers.set("x-own", "1")
      return [request.headers.get("x-own"), request.signal === request.signal, asked]`)
    expect(seen).toEqual(["1", true, ["headers", "signal"]])
  })

  it("has no body when its method cannot have one", async () => {
    const seen = await context.run(`
      const request = seam.receiveRequest({ method: "GET", body: { used: false } })
      return [request.body, await request.text()]`)
    expect(seen).toEqual([null, ""])
  })
})
