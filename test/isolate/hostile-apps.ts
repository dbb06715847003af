/** What hostile apps do, and what their requests are answered with. */

export interface Hostile {
  readonly code: string
  /** Codes or statuses, one of which must come. */
  readonly answers: readonly (string | number)[]
  readonly reason?: "oom" | "cpu" | "wall" | "crash"
  readonly withinMs?: number
}

const onRequest = (body: string): string =>
  `export default { async fetch(request) { ${body}; return new Response("survived") } }`

const OOM = ["APP_OOM"] as const
const CPU = ["APP_CPU_LIMIT"] as const

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  loops: { code: onRequest("for (;;) {}"), answers: CPU, reason: "cpu", withinMs: 3000 },
  "loops-in-microtasks": {
    code: onRequest("for (;;) await null"),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "backtracks-in-a-regex": {
    code: onRequest('/^(a+)+$/.test("a".repeat(40) + "b")'),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "never-settles": {
    code: onRequest("await new Promise(() => {})"),
    answers: ["REQUEST_TIMEOUT"],
    reason: "wall",
  },
  "pushes-objects": {
    code: onRequest("const all = []; for (;;) all.push({ a: all.length })"),
    answers: [...OOM, ...CPU],
  },
  "grows-a-map": {
    code: onRequest("const all = new Map(); for (let i = 0; ; i++) all.set(i, i)"),
    answers: [...OOM, ...CPU],
  },
  "fills-an-array": { code: onRequest("Array(1e9).fill(0)"), answers: [...OOM, ...CPU] },
  "fills-a-smaller-array": { code: onRequest("Array(5e7).fill(0)"), answers: [...OOM, ...CPU] },
  "splits-a-giant-string": {
    code: onRequest('"x".repeat(4e8).split("")'),
    // V8 ends the whole process here (crbug.com/1201626), unless a limit is looked at before.
    answers: [...OOM, ...CPU],
  },
  "joins-giant-strings": {
    code: onRequest('let text = "x"; for (;;) { text += text; globalThis.kept = text.slice(1) }'),
    answers: [...OOM, ...CPU, "APP_ERROR"],
  },
  "parses-a-bomb": {
    code: onRequest('JSON.parse("[" + "[],".repeat(2e7) + "1]")'),
    answers: [...OOM, ...CPU],
  },
  "nests-a-bomb": {
    code: onRequest('JSON.parse("[".repeat(1e7))'),
    answers: [...OOM, ...CPU, "APP_ERROR"],
  },
  "recurses-deeply": { code: onRequest("const f = () => f(); f()"), answers: ["APP_ERROR"] },
  "asks-for-big-buffers": {
    code: onRequest("const all = []; for (;;) all.push(new Uint8Array(2e6))"),
    answers: ["APP_ERROR", ...OOM],
  },
  "grows-shared-memory": {
    code: onRequest("const all = []; for (;;) all.push(new Uint8Array(new SharedArrayBuffer(4e6)).fill(1))"),
    answers: ["APP_ERROR", ...OOM, ...CPU],
  },
  "grows-wasm-memory": {
    code: onRequest(
      "const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 160 }); new Uint8Array(m.buffer).fill(1); all.push(m) }",
    ),
    answers: ["APP_ERROR", ...OOM, ...CPU],
  },
  "loops-in-wasm": {
    // (func (export "f") (loop (br 0)))
    code: onRequest(
      "const m = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,9,1,7,0,3,64,12,0,11,11])); new WebAssembly.Instance(m).exports.f()",
    ),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "waits-on-shared-memory": {
    code: onRequest("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"),
    answers: ["APP_ERROR"],
  },
  // (import "m" "m" (memory 1 1 shared)) (func (export "f") (result i32) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
  "waits-in-wasm": {
    code: onRequest(
      "const m = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }); const module = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,2,9,1,1,109,1,109,2,3,1,1,3,2,1,0,7,5,1,1,102,0,0,10,14,1,12,0,65,0,65,0,66,127,254,1,2,0,11])); new WebAssembly.Instance(module, { m: { m } }).exports.f()",
    ),
    // What its neighbours use may be taken for its own.
    answers: ["APP_WEDGED", ...CPU],
    withinMs: 5000,
  },
  "floods-timers": {
    code: onRequest("for (;;) setTimeout(() => {}, 1e6)"),
    answers: ["APP_ERROR", ...CPU, ...OOM],
  },
  "sets-and-clears-timers": {
    code: onRequest("for (;;) { clearTimeout(setTimeout(() => {}, Math.random() * 1e6)); await null }"),
    answers: CPU,
  },
  "floods-the-console": {
    code: onRequest('for (;;) console.log("x".repeat(1e5))'),
    answers: CPU,
  },
  "floods-the-console-in-turns": {
    code: onRequest(
      'const end = Date.now() + 1500; while (Date.now() < end) { console.log("x".repeat(1e4)); await new Promise((done) => setTimeout(done, 0)) }',
    ),
    answers: [200, ...CPU],
  },
  "floods-the-log": {
    code: 'export default { async fetch(request, ctx) { for (;;) { ctx.log.info("x".repeat(3e4)); await null } } }',
    answers: [...CPU, "APP_PROTOCOL_ERROR", ...OOM],
  },
  "answers-with-a-header-bomb": {
    code: 'export default { fetch: () => new Response("", { headers: { "x-bomb": "x".repeat(1e6) } }) }',
    answers: ["APP_RESPONSE_INVALID"],
  },
  "hashes-without-end": {
    code: onRequest(
      'const data = new Uint8Array(4e6); for (;;) crypto.subtle.digest("SHA-512", data).catch(() => {}), await null',
    ),
    answers: [...CPU, ...OOM, "APP_ERROR"],
  },
  "rejects-without-end": {
    code: onRequest("for (let i = 0; i < 1e4; i++) Promise.reject(new Error(String(i)))"),
    answers: [200, ...CPU],
  },
  "sorts-with-an-evil-comparator": {
    code: onRequest("Array.from({ length: 1e5 }, (_, i) => i).sort(() => { for (;;); })"),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "traps-the-guest-in-a-proxy": {
    code: onRequest('new Response("", { headers: new Proxy({}, { ownKeys() { for (;;); } }) })'),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "rejects-with-a-stack-that-loops": {
    code: onRequest(
      'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); Promise.reject(e); await new Promise(() => {})',
    ),
    answers: CPU,
    reason: "cpu",
    withinMs: 3000,
  },
  "waits-for-endless-promises": {
    code: onRequest("await Promise.all((function* () { for (;;) yield 1 })())"),
    answers: [...OOM, ...CPU],
  },
  "multiplies-big-integers": { code: onRequest("let b = 2n; for (;;) b = b * b"), answers: [...OOM, ...CPU] },
  "fills-what-looks-like-an-array": {
    code: onRequest("Array.prototype.fill.call({ length: Number.MAX_SAFE_INTEGER }, 1)"),
    answers: [...OOM, ...CPU],
  },
  "grows-one-shared-buffer": {
    code: onRequest(
      "const b = new SharedArrayBuffer(0, { maxByteLength: 4e9 }); for (let i = 1; i < 40; i++) { b.grow(i * 1e8); new Uint8Array(b).fill(1) }",
    ),
    answers: ["APP_ERROR", ...OOM, ...CPU],
  },
  "makes-wasm-tables": {
    code: onRequest(
      'const all = []; for (;;) all.push(new WebAssembly.Table({ initial: 1e6, element: "anyfunc" }))',
    ),
    answers: ["APP_ERROR", ...OOM, ...CPU],
  },
  "reads-half-a-tee": {
    code: onRequest(
      "const [one] = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1e5).fill(1)) } }).tee(); for await (const chunk of one);",
    ),
    answers: ["APP_ERROR", ...OOM, ...CPU],
  },
  "prints-one-giant-line": {
    code: onRequest('console.log("x".repeat(2 ** 28))'),
    answers: [200, "APP_ERROR", ...OOM, ...CPU],
  },
  "deletes-its-globals": {
    code: onRequest(
      "for (const key of Reflect.ownKeys(globalThis)) { try { delete globalThis[key] } catch {} }",
    ),
    answers: [200, "APP_ERROR", "APP_CRASHED"],
  },
  "breaks-its-numbers": {
    code: onRequest("Date.now = Math.min = Math.max = performance.now = () => NaN; setTimeout(() => {}, 5)"),
    answers: [200, "APP_ERROR", "APP_CRASHED", "APP_PROTOCOL_ERROR", "REQUEST_TIMEOUT"],
  },
  "breaks-its-primordials": {
    code: onRequest(
      'Promise.prototype.then = Array.prototype.push = Map.prototype.get = Function.prototype.call = () => { throw new Error("no") }; JSON.stringify = null',
    ),
    answers: [200, "APP_ERROR", "APP_CRASHED", "APP_PROTOCOL_ERROR", "REQUEST_TIMEOUT", "APP_WEDGED"],
  },
}
