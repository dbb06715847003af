// Answers what it is told to: by the JSON of the request's body, or of its query.
let cancelled = 0
let produced = 0
let open = () => {}

const routes = {
  async "/say"(request, url) {
    const text = request.method === "POST" ? await request.text() : decodeURIComponent(url.search.slice(1))
    const { status = 200, headers = [], body, times = 1, chunks } = JSON.parse(text)
    if (chunks === undefined) return new Response(body?.repeat(times), { status, headers })
    return new Response(ReadableStream.from(inTurns(chunks)), { status, headers })
  },
  // The second piece follows when it is asked for at /open.
  "/gate"() {
    const gate = new Promise((resolve) => {
      open = resolve
    })
    return stream(async function* () {
      yield "first\n"
      await gate
      yield "second\n"
    })
  },
  "/open"() {
    open()
    return new Response("opened")
  },
  "/flood": (_, url) =>
    stream(() => flood(Number(url.searchParams.get("mib"))), url.searchParams.get("type")),
  "/breaks": () =>
    stream(async function* () {
      yield "begun\n"
      throw new Error("broken on purpose")
    }),
  "/counts": () => Response.json({ cancelled, produced }),
  async "/call"(request, _url, { env }) {
    const { headers } = request
    const answer = await env.OTHER.fetch(
      new Request(`http://other/say?${encodeURIComponent(JSON.stringify(LONG))}`, { headers }),
    )
    return Response.json({
      coding: answer.headers.get("content-encoding"),
      bytes: (await answer.text()).length,
    })
  },
}

const LONG = { headers: [["content-type", "text/plain"]], body: "long ", times: 1000 }

export default {
  fetch(request, context) {
    const url = new URL(request.url)
    return routes[url.pathname](request, url, context)
  },
}

function stream(pieces, type = "text/plain") {
  const encoder = new TextEncoder()
  async function* bytes() {
    let ended = false
    try {
      for await (const piece of pieces()) yield typeof piece === "string" ? encoder.encode(piece) : piece
      ended = true
    } finally {
      if (!ended) cancelled++
    }
  }
  return new Response(ReadableStream.from(bytes()), { headers: { "content-type": type ?? "text/plain" } })
}

async function* inTurns(chunks) {
  const encoder = new TextEncoder()
  for (const { text, times = 1, rest = false } of chunks) {
    if (rest) await new Promise((resolve) => setImmediate(resolve))
    const piece = encoder.encode(text.repeat(times))
    if (piece.length > 0) yield piece
  }
}

async function* flood(mib) {
  const piece = new Uint8Array(65_536)
  let state = 1
  for (let sent = 0; sent < mib * 16; sent++) {
    for (let i = 0; i < piece.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      piece[i] = 97 + ((state >>> 16) % 20)
    }
    produced += piece.length
    yield piece.slice()
  }
}
