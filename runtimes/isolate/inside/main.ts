/**
 * The script of an isolate: the web APIs and the guest, evaluated once into a snapshot (or once in each isolate), before any code
 * of an app. It leaves one function on the global object, which the cell takes away; what the cell gives to it stays in closures.
 * Counterpart in the cell: `../cell/isolate.ts`.
 */
import "../web/early.ts"
import type { CallClient } from "../../../protocol/calls/call-client.ts"
import { connectCalls } from "../../../protocol/calls/call-connection.ts"
import { type CellFunctions, type Inside, type InsideConfig, NOT_WAITING, START, WAITING } from "../border.ts"
import { installFetch } from "../web/fetch-global.ts"
import { installWeb } from "../web/index.ts"
import type { WebOps } from "../web/ops.ts"
import { installWasmStreaming } from "../web/wasm.ts"
import { startApp } from "./app.ts"
import { forbidBlocking } from "./blocking.ts"
import { BorderChannel } from "./border-channel.ts"
import { createOps } from "./ops.ts"
import { Printer } from "./printer.ts"
import { createStackMapper } from "./stacks.ts"
import { createWayOut } from "./way-out.ts"

const bound: { ops: WebOps | null; calls: (() => CallClient) | null } = { ops: null, calls: null }
const web = installWeb(globalThis, () => {
  if (bound.ops === null) throw new Error("the isolate is not started")
  return bound.ops
})
installFetch(globalThis, () => {
  if (bound.calls === null) throw new Error("the isolate is not started")
  return bound.calls()
})
forbidBlocking()

function start(config: InsideConfig, ...functions: never[]): Inside {
  // No snapshot holds it: each context gets a WebAssembly of its own.
  installWasmStreaming(globalThis)
  const cell = named(functions)
  const out = createWayOut(cell)
  const printer = new Printer((stream, text) => out.print(stream, text))
  const print: CellFunctions["print"] = (stream, text) => printer.print(stream, text)
  const main = new BorderChannel((bytes) => out.send(bytes))
  const egress = new BorderChannel((bytes) => out.sendEgress(bytes))
  const ops = createOps(cell, { ...out, print })
  bound.ops = ops.web
  const stacks = createStackMapper(cell.mapStack)
  // Most apps fetch nothing: what that takes is made when one does.
  let calls: CallClient | undefined
  bound.calls = () => {
    calls ??= connectCalls(egress, out.schedule)
    return calls
  }
  const app = startApp({
    config,
    channel: main,
    schedule: out.schedule,
    reportError: (text) => print("stderr", text),
  })

  /** What goes wrong in the guest itself, say because the app took its primordials away, ends the instance. */
  function guarded(work: () => void): void {
    try {
      printer.turn()
      stacks.turn()
      work()
    } catch (error) {
      out.fatal(`${(error as Error | null)?.stack ?? error}`)
    }
  }

  return {
    turn(bytes, egressBytes, due, settled) {
      guarded(() => {
        if (settled !== undefined) ops.settle(settled)
        if (egressBytes !== undefined) egress.receive(egressBytes)
        if (bytes !== undefined) main.receive(bytes)
        if (due) web.timers.fire()
      })
    },
    rejected: (reason) => guarded(() => web.reports.rejection(reason)),
    prepare(hook, hasMap) {
      if (hasMap) stacks.install()
      hook.on((namespace) =>
        guarded(() => {
          out.evaluated(app.loaded(namespace))
        }),
      )
    },
    failed: (code, message, stack) => guarded(() => app.failed(code, message, stack)),
  }
}

/** The functions by their names. */
function named(functions: readonly unknown[]): CellFunctions {
  const names = [...NOT_WAITING, ...WAITING]
  return Object.fromEntries(names.map((name, index) => [name, functions[index]])) as unknown as CellFunctions
}

Object.defineProperty(globalThis, START, { value: start, configurable: true })
