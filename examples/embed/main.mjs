// A host inside another program: its own HTTP server in front, two apps on two runtimes behind, nothing left at the end.
import { createServer } from "node:http"
import { createHost } from "polyhost"

const host = createHost(
  {
    apps: [
      { name: "on-node", dir: "./portable", runtime: "node@22" },
      { name: "on-bun", dir: "./portable", runtime: "bun@1.4" },
    ],
  },
  {
    cwd: new URL("..", import.meta.url).pathname,
    log: (text) => process.stderr.write(text),
    logFormat: "pretty",
  },
)

// 1. Without a socket: the app is found by the URL's host and path.
const answer = await host.fetch(new Request("http://localhost/on-node/"))
console.log("host.fetch    ", answer.status, await answer.text())

// 2. In somebody's own server, which keeps what it wants for itself.
const server = createServer((request, response) => {
  if (request.url === "/health") response.end("the program's own page")
  else host.handler(request, response)
})
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
const base = `http://127.0.0.1:${server.address().port}`
for (const path of ["/health", "/on-node/", "/on-bun/"]) {
  const response = await fetch(base + path)
  console.log("host.handler  ", response.status, await response.text())
}

for (const app of host.apps)
  console.log("host.apps     ", app.name, app.state, app.runtime.name, app.runtime.version)

// 3. The end: apps drained and stopped, no process, socket or file left. The program ends because nothing keeps it.
await new Promise((resolve) => {
  server.close(resolve)
  server.closeIdleConnections()
})
await host.close()
console.log("closed")
