// Any program that listens on $PORT. There is no guest in it: this could as well be a Go binary or a shell script.
import { createServer } from "node:http"

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8")
  response.end(`${process.env.GREETING} from a plain program. You asked for ${request.url}\n`)
})

server.listen(Number(process.env.PORT), "127.0.0.1")

process.on("SIGTERM", () => server.close())
