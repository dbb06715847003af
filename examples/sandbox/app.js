// What an isolate may do, and what becomes of it when it does more.
import words from "./words.txt"

const tricks = {
  spin() {
    for (;;);
  },
  grow() {
    const kept = []
    for (;;) kept.push(new Array(10_000).fill(kept.length))
  },
  forever: () => new Promise(() => undefined),
  metadata: async () => {
    try {
      return await fetch("http://169.254.169.254/latest/meta-data/")
    } catch (error) {
      return new Response(`refused: ${error.cause?.message ?? error.message}\n`, { status: 403 })
    }
  },
  count: async ({ env }) => {
    const count = Number((await env.STORE.get("count")) ?? 0) + 1
    await env.STORE.put("count", String(count), { ttl: 3600 })
    return new Response(`${count}\n`)
  },
}

export default {
  fetch(request, ctx) {
    const trick = tricks[new URL(request.url).pathname.split("/").pop()]
    if (trick !== undefined) return trick(ctx)
    return new Response(`${ctx.env.GREETING}. ${words}`)
  },
}
