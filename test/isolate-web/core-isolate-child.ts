/**
 * Run by `core-isolate.test.ts` in a process of its own: one isolate from a snapshot, with the real ops behind callbacks as a cell
 * has them, and what the app's side of it said. Ends by SIGKILL, as cells do.
 */
import { readFileSync, writeSync } from "node:fs"
import ivm from "isolated-vm"
import { createOps } from "../../runtimes/isolate/ops/index.ts"

const CHECKS = `
  const [domainToASCII, random, begin, wakeAfter, print] = [$0, $1, $2, $3, $4]
  const waiting = new Map()
  globalThis.testOps = {
    domainToASCII, random, wakeAfter, print,
    subtle: (method, request) => new Promise((resolve) => {
      waiting.set(waiting.size, resolve)
      begin(waiting.size - 1, method, request)
    }),
  }
  const { timers } = seam.core
  const order = []
  const tests = async () => {
    const aborted = await new Promise((resolve) => {
      const signal = AbortSignal.any([AbortSignal.timeout(5)])
      signal.onabort = () => resolve(signal.reason.name)
    })
    await new Promise((resolve) => {
      setTimeout(() => { order.push("timer"); queueMicrotask(() => order.push("microtask")) })
      setTimeout(() => { order.push("timer 2"); throw new Error("in a timer") })
      setTimeout(resolve, 5)
    })
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
    const used = { name: "ECDSA", hash: "SHA-256" }
    const data = new TextEncoder().encode("data")
    const verified = await crypto.subtle.verify(used, publicKey, await crypto.subtle.sign(used, privateKey, data), data)
    const failed = await crypto.subtle.importKey("raw", data, "AES-GCM", true, ["encrypt"]).catch((error) => error.name)
    const zipped = new Blob(["hello ".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip"))
    const unzipped = await new Response(zipped.pipeThrough(new DecompressionStream("gzip"))).text()
    console.log("%s of the app", "line", { a: [1] })
    return {
      aborted, order, verified, failed, unzipped: unzipped.length,
      uuid: crypto.randomUUID().length,
      jwk: (await crypto.subtle.exportKey("jwk", publicKey)).crv,
      clone: [...structuredClone(new Map([[1, new Set([2])]])).get(1)][0],
      error: Error.prototype.isPrototypeOf(new DOMException("x")) && new DOMException("x", "AbortError").stack.split("\\n")[0],
      base64: atob(btoa("bytes")),
      agent: navigator.userAgent,
      monotonic: performance.now() > 0,
    }
  }
  return {
    start: () => tests().then((answer) => print("answer", JSON.stringify(answer)), (error) => print("answer", String(error.stack))),
    fire: () => timers.fire(),
    settle: (id, answer) => waiting.get(id)(answer),
  }`

const printed: string[] = []
const snapshot = ivm.Isolate.createSnapshot([{ code: readFileSync(0, "utf8"), filename: "inside.js" }])
const isolate = new ivm.Isolate({ memoryLimit: 64, snapshot })
const context = await isolate.createContext()
const wake: { timer: NodeJS.Timeout | null } = { timer: null }
const ops = createOps({
  wake(ms) {
    if (wake.timer !== null) clearTimeout(wake.timer)
    wake.timer = ms === Number.POSITIVE_INFINITY ? null : setTimeout(() => void call("fire"), ms)
  },
  print: (stream, text) => printed.push(`${stream}: ${text}`),
})
const ended: { resolve: (answer: string) => void } = { resolve: () => undefined }
const answered = new Promise<string>((resolve) => {
  ended.resolve = resolve
})
const inside = (await context.evalClosure(
  CHECKS,
  [
    new ivm.Callback(ops.domainToASCII),
    new ivm.Callback(ops.random),
    new ivm.Callback(
      (id: number, method: unknown, request: unknown) =>
        void ops.subtle(method, request).then((answer) => call("settle", id, answer)),
      { ignored: true },
    ),
    new ivm.Callback(ops.wakeAfter, { ignored: true }),
    new ivm.Callback(
      (stream: string, text: string) => {
        if (stream === "answer") ended.resolve(text)
        else ops.print(stream, text)
      },
      { ignored: true },
    ),
  ],
  { result: { reference: true } },
)) as ivm.Reference<Record<string, unknown>>
await call("start")
const answer = await answered
writeSync(1, JSON.stringify({ answer, printed }))
process.kill(process.pid, "SIGKILL")

async function call(name: string, ...args: unknown[]): Promise<void> {
  const method = (await inside.get(name, { reference: true })) as ivm.Reference
  await method.apply(undefined, args, { arguments: { copy: true } })
}
