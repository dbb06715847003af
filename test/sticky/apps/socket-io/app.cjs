/** A socket.io server as its documentation has it: it says who answers. */
const { createServer } = require("node:http")
const { Server } = require("socket.io")

const server = createServer((_request, response) => response.end(String(process.pid)))
const io = new Server(server)
io.on("connection", (socket) => {
  socket.on("say", (text, answer) =>
    answer({ text, pid: process.pid, transport: socket.conn.transport.name }),
  )
  socket.on("to all", (text) => io.emit("said", text))
})
server.listen(3000)
