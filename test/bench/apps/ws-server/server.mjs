// The yardstick for sockets: an unmodified server with ws. Run alone, and as a server app: always this file.
import { createServer } from "node:http"
import { WebSocketServer } from "ws"

const server = createServer((_request, response) => response.end("Hello, world!\n"))
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (message) => socket.send(message, { binary: false }))
})
server.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" })
