// An unmodified Express program. The port that it names is never opened: the host gives it a private socket.
const express = require("express")

const app = express()
app.use(express.json())

app.get("/", (_request, response) => {
  response.type("text").send(`Hello from Express on Node ${process.versions.node}\n`)
})

app.post("/sum", (request, response) => {
  response.json({ sum: request.body.numbers.reduce((total, number) => total + number, 0) })
})

app.listen(3000, () => console.log("Express listens on what it believes to be port 3000"))
