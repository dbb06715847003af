// Counts visits in a store that survives restarts. A count is forgotten after a day without a visit.
const DAY_SECONDS = 24 * 60 * 60

export default {
  async fetch(request, { env }) {
    const name = new URL(request.url).pathname.split("/").at(-1)
    if (name === "") return Response.json(await env.SEEN.list())
    if (request.method === "DELETE") {
      await env.SEEN.delete(name)
      return new Response(null, { status: 204 })
    }
    const before = (await env.SEEN.get(name, "json")) ?? { visits: 0 }
    if (request.method !== "POST") return Response.json(before)
    const now = { visits: before.visits + 1 }
    await env.SEEN.put(name, JSON.stringify(now), { ttl: DAY_SECONDS })
    return Response.json(now)
  },
}
