// A Hono app is an object with `fetch`: exporting it is all that an app has to do. No server, no port, no adapter.
import { Hono } from "hono"

const app = new Hono()

app.get("/", (c) => c.text(`Hello from Hono on Node ${process.versions.node}\n`))
app.get("/greet/:name", (c) => c.json({ greeting: `Hello, ${c.req.param("name")}` }))

export default app
