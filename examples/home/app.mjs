// The page at `/`: lists the other apps with what the host's admin API says of them at this moment.
import { readStatus } from "./admin.mjs"
import { renderApps, renderPage, renderTrouble } from "./page.mjs"

export default {
  async fetch(request, ctx) {
    const main = await readStatus(ctx.env.POLYHOST_ADMIN_SOCKET, ctx.signal).then(
      (status) => renderApps(status, { self: ctx.app.name, origin: new URL(request.url).host }),
      (error) => renderTrouble(error, ctx.env.POLYHOST_ADMIN_SOCKET),
    )
    return new Response(renderPage(main), {
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
    })
  },
}
