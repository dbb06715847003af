/** What an app can get hold of: nothing of isolated-vm, of the cell or of the guest. */
import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { writeApp } from "./write-app.ts"

/** Walks everything that can be reached, and tells what should not be there. */
const WALK = `
const found = []
const seen = new Set()
const functions = new Map()
function look(value, path) {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return
  seen.add(value)
  const tag = Object.prototype.toString.call(value)
  const name = (() => { try { return String(value.constructor?.name) } catch { return "" } })()
  if (/^(Reference|ExternalCopy|Isolate|Callback|Context|Dereference|Copy|Script|NativeModule)$/.test(name)) found.push(path + " is " + name)
  if (typeof value === "function") {
    const text = Function.prototype.toString.call(value)
    functions.set(value, path)
    if (/isolated|polyhost|barrier|sendEgress/.test(text) && !/FORBIDDEN_BY_TEST/.test(text)) found.push(path + " has the text " + text.slice(0, 200))
  }
  let keys = []
  try { keys = Reflect.ownKeys(value) } catch {}
  for (const key of keys) {
    let property
    try { property = Reflect.getOwnPropertyDescriptor(value, key) } catch { continue }
    if (property === undefined) continue
    const at = path + "." + String(key)
    if ("value" in property) look(property.value, at)
    else {
      look(property.get, at + "(get)")
      look(property.set, at + "(set)")
      try { look(value[key], at) } catch (error) { look(error, at + "(error)") }
    }
  }
  try { look(Object.getPrototypeOf(value), path + ".__proto__") } catch {}
}
`

test("nothing of isolated-vm, the cell or the guest can be reached from an app", async () => {
  const dir = writeApp({
    "index.js": `
      const before = Reflect.ownKeys(globalThis).map(String).filter((key) => /polyhost|ivm|isolated|require|process|module|^Buffer$|^global$/.test(key)) // FORBIDDEN_BY_TEST
      ${WALK}
      const frames = []
      const callSites = []
      function spy(error) {
        const prepare = Error.prepareStackTrace
        Error.prepareStackTrace = (_, sites) => {
          for (const site of sites) {
            callSites.push(site)
            for (const method of ["getThis", "getFunction", "getTypeName", "getEvalOrigin", "getFileName", "getScriptNameOrSourceURL"]) {
              try { frames.push(site[method]()) } catch {}
            }
          }
          return ""
        }
        error.stack
        Error.prepareStackTrace = prepare
      }
      function sloppyCaller() { try { return sloppyCaller.caller } catch { return null } }
      const sloppy = new Function("try { return arguments.callee.caller } catch { return null }")
      const thenables = []
      class Spy extends Promise { constructor(executor) { super(executor); thenables.push(executor, this) } }
      export default {
        async fetch(request, ctx, again) {
          spy(new Error("here"))
          look(sloppy(), "caller")
          look(sloppyCaller(), "caller2")
          const errors = [() => null.x, () => new URL("no"), () => new Response(1, { status: 1 }), () => crypto.getRandomValues(new Uint8Array(1e6)),
            () => structuredClone(() => 1), () => setTimeout(), () => atob("*"), () => Atomics.wait(), () => request.nothing(), () => ctx.waitUntil()]
          for (const run of errors) try { run() } catch (error) { spy(error); look(error, "thrown by " + run) }
          try { await import("./nowhere" + request.method) } catch (error) { look(error, "import") }
          await crypto.subtle.digest("none", new Uint8Array(1)).catch((error) => look(error, "digest"))
          await fetch("http://127.0.0.1:1/").catch((error) => { spy(error); look(error, "fetch") })
          look(globalThis, "globalThis")
          look(request, "request"); look(ctx, "ctx"); look(again, "again"); look(arguments, "arguments"); look(this, "this")
          look(import.meta, "meta"); look(request.signal, "signal"); look(new Response("x").body, "body"); look(thenables, "spy")
          for (const frame of frames) look(frame, "frame")
          const leaks = [...functions.keys()].filter((it) => { try { const is = it.constructor("return typeof process + typeof require")(); return typeof is === "string" && is !== "undefinedundefined" } catch { return false } }).length
          return Response.json({ before, found, leaks, seen: seen.size, paths: frames.filter((it) => typeof it === "string" && /^\\/|file:/.test(it)) })
        },
      }`,
  })
  const host = await startHost({ a: { dir, entry: "index.js", runtime: "isolate" } })
  const { status, text } = await host.ask("/a/")
  if (status !== 200) expect(host.log).toBe("")
  const result = JSON.parse(text)
  expect(result.seen).toBeGreaterThan(500)
  expect(result).toMatchObject({ before: [], found: [], leaks: 0, paths: [] })
})

test("an app that patches what the guest could use sees nothing but its own values", async () => {
  const dir = writeApp({
    "index.js": `
      const seen = []
      const note = (where, values) => { for (const value of values) if (typeof value === "function" && /\\[native code\\]/.test(Function.prototype.toString.call(value)) && (where === "Promise.then" ? value.name !== "" : value.name === "" || /^(bound )?(send|sendEgress|wake|print|begin|evaluated|fatal|barrier|domainToASCII|random)$/.test(value.name))) seen.push(where + " " + value.name) }
      for (const [name, owner] of [["Array", Array.prototype], ["Map", Map.prototype], ["Set", Set.prototype], ["Promise", Promise.prototype], ["Function", Function.prototype], ["Object", Object], ["Reflect", Reflect], ["JSON", JSON], ["Uint8Array", Object.getPrototypeOf(Uint8Array.prototype)], ["String", String.prototype]]) {
        for (const key of Object.getOwnPropertyNames(owner)) {
          const property = Object.getOwnPropertyDescriptor(owner, key)
          const original = property.value
          if (typeof original !== "function" || key === "constructor" || (owner === Function.prototype && key !== "bind") || key === "apply") continue
          Object.defineProperty(owner, key, { ...property, value: function (...values) { if (!busy) { busy = true; try { note(name + "." + key, [this, ...values]) } finally { busy = false } } return original.apply(this, values) } })
        }
      }
      var busy = false
      export default { async fetch(request) {
        setTimeout(() => {}, 1); console.log("x"); await request.text(); crypto.randomUUID(); await crypto.subtle.digest("SHA-1", new Uint8Array(1)); await fetch("http://127.0.0.1:1/").catch(() => {}); await new Promise((done) => setTimeout(done, 5))
        return new Response(seen.join())
      } }`,
  })
  const host = await startHost({ a: { dir, entry: "index.js", runtime: "isolate" } })
  for (const body of ["1", "2"]) {
    const { status, text } = await host.ask("/a/", { method: "POST", body })
    if (status !== 200) expect(host.log).toBe("")
    expect(text).toBe("")
  }
})
