import { beforeAll, describe, expect, it } from "vitest"
import { type BareContext, bareContext } from "./bare-context.ts"

let context: BareContext
beforeAll(async () => {
  context = await bareContext()
})

describe("URLs in an isolate", () => {
  it("let the cell do host names that are not ASCII", async () => {
    expect(
      await context.run(
        `return [new URL("http://BÜCHER.example/ä?ö#ü").href, new URL("http://日本語。ｊｐ").host]`,
      ),
    ).toEqual(["http://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC", "xn--wgv71a119e.jp"])
  })

  it("refuse a host whose other spelling hides syntax", async () => {
    expect(
      await context.run(`
        const good = (url) => URL.canParse(url)
        return ["http://ü/a", "http://ü％41", "http://ü%41", "http://ü＠b", "http://a．b", "http://ü^"].map(good)`),
    ).toEqual([true, false, true, false, true, false])
  })

  it("match patterns", async () => {
    expect(
      await context.run(`
        const pattern = new URLPattern({ pathname: "/books/:id(\\\\d+)" })
        return [pattern.exec("https://a.test/books/12").pathname.groups, pattern.test("https://a.test/books/x")]`),
    ).toEqual([{ id: "12" }, false])
  })
})

describe("encodings in an isolate", () => {
  it.each([
    ["shift_jis", [0x82, 0xa0], "あ"],
    ["euc-kr", [0xb0, 0xa1], "가"],
    ["gb18030", [0xc4, 0xe3], "你"],
    ["big5", [0xa7, 0x41], "你"],
    ["windows-1252", [0x80, 0x9f], "€Ÿ"],
    ["utf-16le", [0x61, 0x00, 0x3d, 0xd8, 0x00, 0xde], "a😀"],
  ])("decode %s", async (label, bytes, text) => {
    expect(
      await context.run(
        `return new TextDecoder(${JSON.stringify(label)}).decode(new Uint8Array([${bytes}]))`,
      ),
    ).toBe(text)
  })

  it("encode into a buffer whole characters only", async () => {
    expect(
      await context.run(`
        const into = (text, room) => {
          const bytes = new Uint8Array(room)
          return [new TextEncoder().encodeInto(text, bytes), [...bytes]]
        }
        return [into("aé", 2), into("aé", 3), into("😀", 4), into("\\ud800", 3)]`),
    ).toEqual([
      [{ read: 1, written: 1 }, [97, 0]],
      [{ read: 2, written: 3 }, [97, 0xc3, 0xa9]],
      [{ read: 2, written: 4 }, [0xf0, 0x9f, 0x98, 0x80]],
      [{ read: 1, written: 3 }, [0xef, 0xbf, 0xbd]],
    ])
  })
})

describe("forms in an isolate", () => {
  it("come back from multipart as they went", async () => {
    expect(
      await context.run(`
        const form = new FormData()
        form.append('a "quoted"\\r\\nname', "line\\nline")
        form.append("file", new File([new Uint8Array([0, 13, 10, 255])], "ü.bin", { type: "image/x" }))
        form.append("empty", "")
        const back = await new Response(form).formData()
        const file = back.get("file")
        return [[...back.keys()], back.get('a "quoted"\\r\\nname'), [...(await file.bytes())], file.name, file.type]`),
    ).toEqual([['a "quoted"\r\nname', "file", "empty"], "line\r\nline", [0, 13, 10, 255], "ü.bin", "image/x"])
  })

  it.each([
    ["no boundary in the type", "multipart/form-data", "--x--"],
    [
      "no last boundary",
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb',
    ],
    [
      "a part without a name",
      "multipart/form-data; boundary=x",
      "--x\r\ncontent-type: a/b\r\n\r\nb\r\n--x--",
    ],
    ["another boundary", "multipart/form-data; boundary=y", "--x--"],
    ["another type", "text/plain", "a=b"],
  ])("are refused with %s", async (_what, type, body) => {
    expect(
      await context.run(`
        const headers = { "content-type": ${JSON.stringify(type)} }
        return new Response(${JSON.stringify(body)}, { headers }).formData().catch((error) => error.name)`),
    ).toBe("TypeError")
  })
})

describe("streams in an isolate", () => {
  it("press back: nothing is pulled that nobody reads", async () => {
    expect(
      await context.run(`
        let pulled = 0
        const source = new ReadableStream(
          { pull(controller) { pulled++; controller.enqueue(new Uint8Array(1)) } },
          { highWaterMark: 0 },
        )
        const body = new Response(source).body
        for (let i = 0; i < 20; i++) await undefined
        const before = pulled
        await body.getReader().read()
        return [before, pulled]`),
    ).toEqual([0, 1])
  })

  it("read bytes into the reader's own buffer", async () => {
    expect(
      await context.run(`
        const reader = new Blob(["abcdef"]).stream().getReader({ mode: "byob" })
        const { value } = await reader.read(new Uint8Array(4), { min: 3 })
        return new TextDecoder().decode(value)`),
    ).toBe("abcd")
  })

  it("give thousands of chunks that are at hand as one body", async () => {
    expect(
      await context.run(`
        const chunk = new Uint8Array(10).fill(97)
        const stream = new ReadableStream({ start(c) { for (let i = 0; i < 50000; i++) c.enqueue(chunk); c.close() } })
        return (await new Response(stream).text()).length`),
    ).toBe(500_000)
  })
})

describe("pipes in an isolate", () => {
  it("do not call the sink inside of the source's enqueue", async () => {
    expect(
      await context.run(`
        let controller
        const written = []
        const source = new ReadableStream({ start(c) { controller = c } }, { highWaterMark: 0 })
        const piped = source.pipeTo(new WritableStream({ write(chunk) { written.push(chunk) } }))
        await undefined
        controller.enqueue("a")
        const inside = written.length
        controller.enqueue("b")
        controller.close()
        await piped
        return [inside, written]`),
    ).toEqual([0, ["a", "b"]])
  })
})

describe("what other server runtimes have beside the standards", () => {
  it("takes what a generator yields as a body", async () => {
    expect(
      await context.run(`
        const bytes = async function* () { yield new Uint8Array([104]); yield new Uint8Array([105]) }
        const request = new Request("http://a/", { method: "POST", body: bytes(), duplex: "half" })
        return [await new Response(bytes()).text(), new Response(bytes()).headers.get("content-type"), await request.text()]`),
    ).toEqual(["hi", null, "hi"])
  })

  it("compiles WebAssembly from a Response of its type only", async () => {
    expect(
      await context.run(`
        const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,42,11])
        const wasm = (type, more) => new Response(bytes, { headers: { "content-type": type }, ...more })
        const said = (it) => it.then(() => "taken", (error) => error.name)
        const { instance } = await WebAssembly.instantiateStreaming(wasm("Application/Wasm"))
        const module = await WebAssembly.compileStreaming(Promise.resolve(wasm("application/wasm")))
        const used = wasm("application/wasm")
        await used.text()
        return [instance.exports.f(), WebAssembly.Module.exports(module)[0].name, await said(WebAssembly.compileStreaming(used)),
          await said(WebAssembly.compileStreaming(wasm("text/plain"))), await said(WebAssembly.compileStreaming(bytes)),
          await said(WebAssembly.compileStreaming(wasm("application/wasm", { status: 404 })))]`),
    ).toEqual([42, "f", "TypeError", "TypeError", "TypeError", "TypeError"])
  })
})

describe("the console", () => {
  it("shows what objects of the platform hold", async () => {
    expect(
      await context.run(`
        const { inspect } = seam
        const form = new FormData()
        form.append("a", "1")
        const response = new Response("x", { status: 201, headers: { "x-a": "b" } })
        return [inspect(new Headers({ a: "b", "c-d": "e" })), inspect(new URLSearchParams("q=1")), inspect(form),
          inspect(new Blob(["ab"], { type: "a/b" })), /status: 201[^]*ok: true[^]*headers: Headers \\{[^]*'x-a': 'b'/.test(inspect(response)),
          response.bodyUsed, /url: 'http:..a.b'/.test(inspect(new Request("http://a/b")))]`),
    ).toEqual([
      "Headers { a: 'b', 'c-d': 'e' }",
      "URLSearchParams { q: '1' }",
      "FormData { a: '1' }",
      "Blob { size: 2, type: 'a/b' }",
      true,
      false,
      true,
    ])
  })
})

describe("what a client can make long", () => {
  it("takes time of its length only: spaces in headers, types and parts of forms", async () => {
    const tookMs = await context.run<number>(`
      const start = Date.now()
      const long = "x" + " ".repeat(200000) + "x"
      const headers = new Headers({ "x-long": long, "content-type": "text/plain; charset=" + long + ";" + long })
      await new Response("a", { headers }).blob()
      const type = "multipart/form-data; boundary=b"
      const body = '--b\\r\\ncontent-disposition: form-data; name="a"; ' + long + '\\r\\nx: ' + long + '\\r\\n\\r\\n\\r\\n--b--'
      await new Response(body, { headers: { "content-type": type } }).formData()
      new URL("http://" + "a-".repeat(100000) + "/" + "a/".repeat(100000))
      return Date.now() - start`)
    // A quadratic way takes minutes.
    expect(tookMs).toBeLessThan(2000)
  })
})
