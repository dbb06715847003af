/** Echoes messages by `ws`, as its documentation has it. */
import { createServer } from "node:http"
import { WebSocketServer } from "ws"

const server = createServer((_request, response) => response.end("ok"))
const sockets = new WebSocketServer({ server, perMessageDeflate: true, maxFragments: 65536 })
sockets.on("connection", (socket) => {
  socket.on("error", () => undefined)
  socket.on("message", (data, isBinary) => {
    const text = data.length < 100 ? data.toString() : ""
    if (text === ":exit") process.exit(1)
    socket.send(data, { binary: isBinary })
  })
})
server.listen(3000)
