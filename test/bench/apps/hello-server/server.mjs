// The yardstick: an unmodified node:http server. Run alone, behind nginx (SOCKET) and as a server app: always this file.
import { createServer } from "node:http"

const body = "Hello, world!\n"
createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": body.length })
  response.end(body)
}).listen(
  process.env.SOCKET
    ? { path: process.env.SOCKET }
    : { port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" },
)
