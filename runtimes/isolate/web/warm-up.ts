/**
 * Second argument of isolated-vm's `createSnapshot`: code that is run once so that what most apps use is compiled in the snapshot.
 * It leaves nothing behind (V8 throws its context away) and must not need the cell. Measured: the first request in a fresh
 * isolate takes 2.8 instead of 4.9 ms, its start 0.4 ms more, its heap 70 KB more.
 */

export const WARM_UP = `{
  const request = new Request("http://a.test/b?c=d", { method: "POST", headers: { a: "b" }, body: "{}" })
  request.headers.get("a")
  request.clone().json()
  request.text()
  const url = new URL(request.url)
  url.pathname + url.search
  url.searchParams.get("c")
  new URL("../x?y", "http://B.test/./c")
  new Response("e", { status: 201, headers: [["content-type", "text/plain"]] }).text()
  Response.json({ f: 1 }).clone().arrayBuffer()
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("\\u00e9"))
      controller.close()
    },
  })
  new TextDecoder().decode(new Uint8Array([195, 169]))
  new Response(stream.pipeThrough(new TransformStream())).body.getReader().read()
  new Headers([["g", "h"]]).forEach(() => undefined)
  new AbortController().signal.addEventListener("abort", () => undefined)
}`
