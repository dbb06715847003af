/** Says who it is; below /held it does so when somebody asks for /let-go of the same instance, or after a while. */
const { createServer } = require("node:http")

const held = []
createServer((request, response) => {
  if (request.url === "/exit") process.exit(1)
  if (request.url === "/held") held.push(response)
  else {
    if (request.url === "/let-go") for (const it of held.splice(0)) it.end(String(process.pid))
    response.end(String(process.pid))
  }
}).listen(3000)
