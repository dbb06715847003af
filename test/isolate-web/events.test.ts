import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { core } from "./core-fixture.ts"

describe("events inside an isolate", () => {
  it("report an error of a listener and call the others", () => {
    const { web, printed } = core()
    const target = new web.EventTarget()
    const seen: string[] = []
    target.addEventListener("a", () => {
      throw new Error("listener broke")
    })
    target.addEventListener("a", () => seen.push("second"), { once: true })
    expect(target.dispatchEvent(new web.Event("a"))).toBe(true)
    target.dispatchEvent(new web.Event("a"))
    expect(seen).toEqual(["second"])
    expect(printed[0]).toMatch(/^stderr: Uncaught Error: listener broke\n\s+at /)
  })

  it("show the global as the target of its own error events, which can be handled", () => {
    const { web, printed } = core()
    const seen: unknown[] = []
    web.addEventListener("error", (event: { target: unknown; message: string; preventDefault(): void }) => {
      seen.push(event.target === web, event.message)
      event.preventDefault()
    })
    web.reportError(new TypeError("x"))
    expect(seen).toEqual([true, "Uncaught TypeError: x"])
    expect(printed).toEqual([])
  })

  it("tell of rejections that the cell saw", () => {
    const { web, printed, reports } = core()
    web.onunhandledrejection = (event: { reason: string; preventDefault(): void }) => {
      if (event.reason === "handled") event.preventDefault()
    }
    reports.rejection("handled")
    reports.rejection("other")
    expect(printed).toEqual(["stderr: Uncaught (in promise) 'other'"])
  })

  it("do not call an error handler for its own errors", () => {
    const { web, printed } = core()
    web.onerror = () => {
      throw new Error("handler broke")
    }
    web.reportError("first")
    expect(printed).toHaveLength(2)
  })
})

describe("abort signals inside an isolate", () => {
  it("abort by timeout with a TimeoutError, and their dependents with them", async () => {
    const { web, runTimers } = core()
    const signal = web.AbortSignal.any([web.AbortSignal.timeout(1), new web.AbortController().signal])
    const names: string[] = []
    signal.onabort = () => names.push(signal.reason.name)
    await runTimers()
    expect(names).toEqual(["TimeoutError"])
    expect(() => signal.throwIfAborted()).toThrow("timed out")
  })

  it("let go of dependents that nobody listens to, and keep those that somebody does", async () => {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as () => void
    const { web } = core()
    const controller = new web.AbortController()
    const called: string[] = []
    const dropped = new WeakRef(web.AbortSignal.any([controller.signal]) as object)
    web.AbortSignal.any([controller.signal]).addEventListener("abort", () => called.push("listened"))
    for (let round = 0; round < 5 && dropped.deref() !== undefined; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    expect(dropped.deref()).toBeUndefined()
    controller.abort()
    expect(called).toEqual(["listened"])
  })
})
