// Decides who may have which file; the host sends it.
const KEYS = new Map([["open-sesame", "report.csv"]])

export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === "/numbers") return Response.json(Array.from({ length: 5000 }, (_, index) => index))
    const file = pathname.match(/^\/download\/([\w.-]+)$/)?.[1]
    if (file === undefined) return new Response("not here\n", { status: 404 })
    if (KEYS.get(searchParams.get("key")) !== file) return new Response("no\n", { status: 403 })
    return new Response(null, {
      headers: {
        "X-Accel-Redirect": `/private/${file}`,
        "Content-Disposition": `attachment; filename="${file}"`,
      },
    })
  },
}
