// A fetch app that streams: server-sent events, written as time goes by, until the client has left.
const SECOND_MS = 1000

export default {
  fetch(request: Request): Response {
    const url = new URL(request.url)
    if (url.pathname === "/ticks") return ticks(request, Number(url.searchParams.get("every") ?? SECOND_MS))
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } })
  },
}

function ticks(request: Request, everyMs: number): Response {
  const encoder = new TextEncoder()
  let timer: ReturnType<typeof setInterval> | undefined
  const stop = (): void => clearInterval(timer)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let count = 0
      const tick = (): void => controller.enqueue(encoder.encode(`data: tick ${++count}\n\n`))
      tick()
      timer = setInterval(tick, Math.max(10, everyMs))
      // Fires when the client goes away, through the host, in the middle of the answer.
      request.signal.addEventListener("abort", () => {
        stop()
        console.log(`the client left after ${count} ticks`)
      })
    },
    cancel: stop,
  })
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } })
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>events</title>
<body style="font:1rem/1.5 system-ui;margin:3rem auto;max-width:30rem;padding:0 1rem">
<h1 style="font-size:1.3rem">Server-sent events from Bun</h1>
<p id="out">waiting …</p>
<script>
  new EventSource("ticks").onmessage = (event) => { out.textContent = event.data }
</script>
`
