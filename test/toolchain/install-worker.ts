/** A process of its own that resolves one deno and prints the answer: for tests with two hosts. */
import { createToolchain } from "../../runtimes/toolchain/index.ts"

const [cacheDir = "", lockFile = "", version = ""] = process.argv.slice(2)
const toolchain = createToolchain({ cacheDir, lockFile, env: process.env, report: () => undefined })
const request = { name: "deno", version, path: null, args: [] } as const
const signal = new AbortController().signal
console.log(JSON.stringify(await toolchain.resolve(request, { app: "shop", dir: process.cwd(), signal })))
await toolchain.close()
