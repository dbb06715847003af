// An unmodified Bun program: Bun's own server with its own router.
const server = Bun.serve({
  port: 3000,
  routes: {
    "/": () => new Response(`Hello from Bun.serve on Bun ${Bun.version}\n`),
    "/double/:number": (request) => Response.json({ double: Number(request.params.number) * 2 }),
  },
  fetch: () => new Response("Bun.serve knows no such page\n", { status: 404 }),
})

console.log(`Bun.serve believes that it listens on port ${server.port}`)
