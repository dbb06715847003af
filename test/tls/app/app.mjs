// A fetch app for what TLS may change: what the app is told of its client, bodies both ways, answers without an end.
const MEGABYTE = 1024 * 1024
const block = new Uint8Array(64 * 1024).map((_, index) => index)

const routes = {
  "/hello": () => new Response("hello"),
  "/told": (request) => Response.json({ url: request.url, headers: [...request.headers] }),
  "/own-hsts": () => new Response("mine", { headers: { "strict-transport-security": "max-age=1" } }),
  "/echo": (request) => new Response(request.body),
  "/count": async (request) => {
    let bytes = 0
    for await (const chunk of request.body) bytes += chunk.length
    return new Response(String(bytes))
  },
  "/pour": (request) => {
    let left = (Number(new URL(request.url).searchParams.get("megabytes")) * MEGABYTE) / block.length
    return new Response(
      new ReadableStream({ pull: (stream) => (left-- > 0 ? stream.enqueue(block.slice()) : stream.close()) }),
    )
  },
  "/endless": () => {
    let timer
    const body = new ReadableStream({
      start: (stream) => {
        timer = setInterval(() => stream.enqueue(new TextEncoder().encode("data: tick\n\n")), 20)
      },
      cancel: () => clearInterval(timer),
    })
    return new Response(body, { headers: { "content-type": "text/event-stream" } })
  },
  "/boom": () => {
    throw new Error("boom")
  },
}

export default {
  fetch: (request) =>
    routes[new URL(request.url).pathname]?.(request) ?? new Response("nothing", { status: 404 }),
}
