// One source for every runtime: web standards and nothing else.
const { bun, deno, node } = globalThis.process?.versions ?? {}
const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : node ? `Node ${node}` : navigator.userAgent

export default {
  async fetch(request, ctx) {
    if (request.method === "POST") {
      const hash = await crypto.subtle.digest("SHA-256", await request.arrayBuffer())
      const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
      return new Response(`${hex}  ${runtime}\n`)
    }
    return Response.json({ app: ctx.app.name, runtime })
  },
}
