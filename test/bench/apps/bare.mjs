// The yardstick: the same answer from bare node:http of the same version, in one process.
import { createServer } from "node:http"

const body = "Hello, world!\n"
createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": body.length })
  response.end(body)
}).listen(Number(process.env.PORT), "127.0.0.1")
