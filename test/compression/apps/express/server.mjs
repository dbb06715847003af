// An unmodified Express app: validators, ranges, files, JSON, HEAD as Express does them.
import express from "express"

const app = express()
const text = "The quick brown fox jumps over the lazy dog.\n".repeat(500)

app.get("/text", (_request, response) => response.type("text/plain").send(text))
app.get("/weak", (_request, response) => response.set("ETag", 'W/"mine"').json({ text }))
app.get("/file", (_request, response) => response.sendFile(new URL("page.txt", import.meta.url).pathname))
app.get("/trailers", (_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain", Trailer: "X-Sum, Digest" })
  response.write(text)
  response.addTrailers({ "X-Sum": "42", Digest: "sha-256=old" })
  response.end()
})
app.put("/upload", (request, response) => {
  let bytes = 0
  request.on("data", (chunk) => {
    bytes += chunk.length
  })
  request.on("end", () =>
    response.json({ bytes, coding: request.get("content-encoding"), pad: "x".repeat(2000) }),
  )
})
// Says less than it sends, on a connection of its own.
app.get("/liar", (_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": "100000" })
  response.write("only this, and then the end")
  setImmediate(() => response.socket.destroy())
})
app.listen(3000)
