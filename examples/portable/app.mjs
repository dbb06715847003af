// One source for every runtime: web standards, and the parts of Node that Bun and Deno have too.
import { createHash } from "node:crypto"

const { versions } = process
const runtime = versions.bun
  ? `Bun ${versions.bun}`
  : versions.deno
    ? `Deno ${versions.deno}`
    : `Node ${versions.node}`

export default {
  async fetch(request, ctx) {
    if (request.method === "POST") {
      const hash = createHash("sha256")
      // As the client sends it: the host holds no more of a body than one window.
      for await (const chunk of request.body) hash.update(chunk)
      return new Response(`${hash.digest("hex")}  ${runtime}\n`)
    }
    return Response.json({ app: ctx.app.name, runtime })
  },
}
