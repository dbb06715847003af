// The yardstick for bodies: GET answers 64 KiB; POST counts the body as it comes and answers 400 unless it was 1 MiB.
import { createServer } from "node:http"

const body = Buffer.alloc(65_536, "x")
createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": body.length })
    response.end(body)
    return
  }
  let length = 0
  request.on("data", (chunk) => {
    length += chunk.length
  })
  request.on("end", () => {
    const answer = String(length)
    response.writeHead(length === 1_048_576 ? 200 : 400, {
      "content-type": "text/plain;charset=UTF-8",
      "content-length": answer.length,
    })
    response.end(answer)
  })
}).listen(
  process.env.SOCKET
    ? { path: process.env.SOCKET }
    : { port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" },
)
