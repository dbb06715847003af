// node say.mjs URL: two people meet in the room at URL; prints what the second of them sees.
import WebSocket from "ws"

const [url] = process.argv.slice(2)
const enter = (name) => new WebSocket(`${url}?name=${name}`)

const bob = enter("bob")
const lines = []
let ann
bob.on("error", fail)
bob.on("message", (data) => {
  lines.push(String(data))
  if (lines.length === 1) {
    ann = enter("ann")
    ann.on("error", fail)
    ann.once("message", () => ann.send("hello, bob"))
  }
  if (String(data) === "ann: hello, bob") ann.close(1000)
  if (String(data) === "ann left") bob.close(1000)
})
bob.on("close", () => console.log(`${new URL(url).pathname.split("/")[1]}: ${lines.join(" · ")}`))
setTimeout(fail, 20_000, new Error("nobody answers")).unref()

function fail(error) {
  console.error(`${url}: ${error.message}`)
  process.exit(1)
}
