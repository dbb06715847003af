// What HTTP/1.1 has beside heads and bodies, from an unmodified node:http server: all of it reaches the client.
import { createServer } from "node:http"

createServer((request, response) => {
  if (request.url.endsWith("/boom")) throw new Error("this ends the process")
  response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" })
  response.writeHead(200, "Fine, Thanks", { "Content-Type": "text/plain", Trailer: "X-Sum" })
  response.write("a body in chunks\n")
  response.addTrailers({ "X-Sum": "17" })
  response.end()
}).listen(3000)
