import { expect, it } from "vitest"
import { core } from "./core-fixture.ts"

it("timers run by their moment, then in the order they were set", async () => {
  const { web, runTimers } = core()
  const order: string[] = []
  web.setTimeout(() => order.push("late"), 20)
  web.setTimeout((text: string) => order.push(text), 1, "first")
  web.setTimeout(() => order.push("second"), 1)
  await runTimers()
  expect(order).toEqual(["first", "second", "late"])
})

it("timers ask the cell only for the earliest moment", () => {
  const { web, wakes } = core()
  web.setTimeout(() => undefined, 5000)
  const early = web.setTimeout(() => undefined, 1000)
  web.setTimeout(() => undefined, 9000)
  expect(wakes.map((ms) => Math.round(ms / 1000))).toEqual([5, 1])
  web.clearTimeout(early)
  expect(Math.round(wakes.at(-1)! / 1000)).toBe(5)
})

it("one call of fire runs one timer, so that microtasks run between two", async () => {
  const { web, timers } = core()
  const order: string[] = []
  for (const name of ["a", "b"])
    web.setTimeout(() => {
      order.push(name)
      web.queueMicrotask(() => order.push(`${name} microtask`))
    })
  expect(timers.fire()).toBe(true)
  await null
  expect(timers.fire()).toBe(false)
  await null
  expect(order).toEqual(["a", "a microtask", "b", "b microtask"])
})

it("an interval goes on after an error and ends when its own callback clears it", async () => {
  const { web, runTimers, printed } = core()
  const runs: number[] = []
  const id = web.setInterval(() => {
    runs.push(runs.length)
    if (runs.length === 3) web.clearInterval(id)
    throw new Error(`run ${runs.length}`)
  }, 1)
  await runTimers()
  expect(runs).toEqual([0, 1, 2])
  expect(printed.map((line) => line.split("\n")[0])).toEqual([
    "stderr: Uncaught Error: run 1",
    "stderr: Uncaught Error: run 2",
    "stderr: Uncaught Error: run 3",
  ])
})

it("cleared timers leave nothing behind", async () => {
  const { web, runTimers, wakes } = core()
  for (let i = 0; i < 1000; i++) web.clearTimeout(web.setTimeout(() => undefined, 1000 + i))
  expect(wakes.at(-1)).toBe(Number.POSITIVE_INFINITY)
  let ran = false
  web.setTimeout(() => {
    ran = true
  })
  await runTimers()
  expect(ran).toBe(true)
})

it("timers nested deeply wait at least 4 ms", async () => {
  const { web, runTimers } = core()
  const start = Date.now()
  const nest = (left: number): void => web.setTimeout(() => left > 0 && nest(left - 1))
  nest(12)
  await runTimers()
  expect(Date.now() - start).toBeGreaterThanOrEqual(20)
})

it("timers that wait are at most 10000; those that ran or were cleared make room", async () => {
  const { web, runTimers } = core()
  const ids = Array.from({ length: 10_000 }, () => web.setTimeout(() => undefined, 100_000))
  expect(() => web.setTimeout(() => undefined)).toThrow(RangeError)
  expect(() => web.setInterval(() => undefined)).toThrow(/10000 timers wait already/)
  web.clearTimeout(ids.pop())
  const ran: string[] = []
  web.setTimeout(() => ran.push("first"))
  for (const id of ids) web.clearTimeout(id)
  await runTimers()
  web.setTimeout(() => ran.push("second"))
  await runTimers()
  expect(ran).toEqual(["first", "second"])
})
