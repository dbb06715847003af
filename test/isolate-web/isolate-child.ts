/**
 * Run by `isolate.test.ts` in a process of its own: starts isolates with the script given on stdin, from a snapshot and without,
 * and prints what the web APIs said there and what an isolate costs. Ends by SIGKILL, as cells do.
 */
import { readFileSync, writeSync } from "node:fs"
import { domainToASCII } from "node:url"
import ivm from "isolated-vm"
import { WARM_UP } from "../../runtimes/isolate/web/warm-up.ts"

const SCRIPT = readFileSync(0, "utf8")
const ISOLATES = 10
const CHECKS = `
  globalThis.testOps = { domainToASCII: askedOfTheCell, wakeAfter() {} };
  (async () => JSON.stringify({
    shared: new SharedArrayBuffer(8).byteLength,
    host: new URL("http://bücher.example/").host,
    text: await new Response("hé").text(),
    kanji: new TextDecoder("shift_jis").decode(new Uint8Array([0x82, 0xa0])),
    streamed: await new Response(new Blob(["abc"]).stream().pipeThrough(new TransformStream())).text(),
    form: (await new Request("http://a/", { method: "POST", body: new URLSearchParams({ a: "1" }) }).formData()).get("a"),
    parts: seam.responseParts(new Response("x")).body,
    leaked: ["process", "require", "ivm", "Buffer"].filter((name) => name in globalThis),
  }))()`

const started = performance.now()
const snapshot = ivm.Isolate.createSnapshot([{ code: SCRIPT, filename: "inside.js" }], WARM_UP)
const makeMs = performance.now() - started
const results = {
  snapshotBytes: (snapshot as unknown as { byteLength?: number }).byteLength ?? snapshot.copy().byteLength,
  makeMs,
  fromSnapshot: await measure(snapshot),
  fromScript: await measure(undefined),
}
writeSync(1, JSON.stringify(results))
process.kill(process.pid, "SIGKILL")

async function measure(from: ivm.ExternalCopy<ArrayBuffer> | undefined) {
  const before = process.memoryUsage().rss
  const isolates: ivm.Isolate[] = []
  const startMs: number[] = []
  let answer = ""
  for (let i = 0; i < ISOLATES; i++) {
    const start = performance.now()
    const isolate = new ivm.Isolate({ memoryLimit: 64, ...(from === undefined ? {} : { snapshot: from }) })
    const context = await isolate.createContext()
    if (from === undefined) await context.eval(SCRIPT)
    startMs.push(performance.now() - start)
    isolates.push(isolate)
    await context.global.set("askedOfTheCell", new ivm.Callback((host: string) => domainToASCII(host)))
    answer = (await context.eval(CHECKS, { promise: true, copy: true })) as string
  }
  const kibibytesEach = (process.memoryUsage().rss - before) / 1024 / ISOLATES
  const heapBytes = isolates[0]!.getHeapStatisticsSync().used_heap_size
  for (const isolate of isolates) isolate.dispose()
  startMs.sort((a, b) => a - b)
  return { answer: JSON.parse(answer) as object, startMs: startMs[ISOLATES / 2]!, kibibytesEach, heapBytes }
}
