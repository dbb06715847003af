/** A program: fetches its argument as Node does, whose proxy the environment names, and as an app's egress does. Prints both answers. */
import { callingFrom, closeAll } from "./calling.ts"

const [url = ""] = process.argv.slice(2)
const { fetch: fetchAsApp } = callingFrom(["loopback"])
const node = await (await fetch(url)).text()
const app = await (await fetchAsApp(url)).text()
process.stdout.write(JSON.stringify({ node, app }))
await closeAll()
