/** The parts of supervision that need no process: backoff, start gate, deadlines, waiting list. */
import * as fc from "fast-check"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { HostExchange } from "../../host/exchange.ts"
import { createBackoff, DEFAULT_BACKOFF } from "../../host/supervisor/backoff.ts"
import { createDeadlineEntry, Deadlines } from "../../host/supervisor/deadlines.ts"
import { leastDelayMs } from "../../host/supervisor/failure.ts"
import { Retry } from "../../host/supervisor/retry.ts"
import { createStartGate } from "../../host/supervisor/start-gate.ts"
import { WaitingList } from "../../host/supervisor/waiting-list.ts"

/** What these parts look at of an exchange. */
const exchangeOf = (name: string, finished = false) =>
  ({ name, finished }) as unknown as HostExchange & { name: string }

describe("backoff", () => {
  test("doubles from 0.1 s to 30 s, between half and all of it", () => {
    for (const random of [() => 0, () => 0.999_999]) {
      const backoff = createBackoff({ ...DEFAULT_BACKOFF, random })
      const share = random() === 0 ? 0.5 : 1
      const delays = Array.from({ length: 12 }, () => Math.round(backoff.failed(0)))
      const full = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]
      expect(delays).toEqual(full.map((ms) => ms * share))
    }
  })

  test("forgets after 60 s of service, and not before", () => {
    const backoff = createBackoff({ ...DEFAULT_BACKOFF, random: () => 1 })
    for (let i = 0; i < 5; i++) backoff.failed(0)
    expect(backoff.failed(59_999)).toBe(3200)
    expect(backoff.failed(60_000)).toBe(100)
    expect(backoff.failures).toBe(1)
  })

  test("stays finite whatever happens", () => {
    const backoff = createBackoff(DEFAULT_BACKOFF)
    for (let i = 0; i < 5000; i++) expect(backoff.failed(0)).toBeLessThanOrEqual(30_000)
  })
})

describe("retry", () => {
  afterEach(() => vi.useRealTimers())

  test("after a full disk waits at least 30 s, whatever the backoff says", () => {
    vi.useFakeTimers()
    let tries = 0
    const retry = new Retry(() => tries++)
    retry.failed(0, leastDelayMs("TOOLCHAIN_DISK_FULL"))
    vi.advanceTimersByTime(29_999)
    expect([tries, retry.pending]).toEqual([0, true])
    vi.advanceTimersByTime(200)
    expect([tries, retry.pending]).toEqual([1, false])
    retry.failed(0, leastDelayMs("TOOLCHAIN_INSTALL_FAILED"))
    expect(retry.delayMs).toBeLessThanOrEqual(200)
    retry.cancel()
  })
})

describe("start gate", () => {
  afterEach(() => vi.useRealTimers())
  const never = new AbortController().signal

  test("an app that serves already starts after those that do not", async () => {
    const gate = createStartGate(1)
    const leave = await gate.enter(never)
    const order: string[] = []
    const enter = async (name: string, serves: boolean): Promise<void> => {
      const done = await gate.enter(never, serves)
      order.push(name)
      done()
    }
    const all = [enter("replacement", true), enter("first", false), enter("second", false)]
    leave()
    await Promise.all(all)
    expect(order).toEqual(["first", "second", "replacement"])
  })

  test("lets so many in, and the next when one leaves", async () => {
    const gate = createStartGate(2)
    const leave = await gate.enter(never)
    await gate.enter(never).then((it) => it)
    let entered = false
    const third = gate.enter(never).then((it) => {
      entered = true
      return it
    })
    await Promise.resolve()
    expect(entered).toBe(false)
    leave()
    leave()
    ;(await third)()
    expect(entered).toBe(true)
  })

  test("a start that hangs gives its place up", async () => {
    vi.useFakeTimers()
    const gate = createStartGate(1)
    await gate.enter(never)
    const second = gate.enter(never)
    await vi.advanceTimersByTimeAsync(1000)
    ;(await second)()
  })

  test("one that is aborted while it waits takes no place", async () => {
    const gate = createStartGate(1)
    const leave = await gate.enter(never)
    const abort = new AbortController()
    const aborted = gate.enter(abort.signal)
    abort.abort(new Error("not any more"))
    await expect(aborted).rejects.toThrow("not any more")
    leave()
    ;(await gate.enter(never))()
    await expect(gate.enter(AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late")
  })
})

describe("deadlines", () => {
  afterEach(() => vi.useRealTimers())

  test("expire in order, each once, and not those removed", () => {
    vi.useFakeTimers()
    const expired: string[] = []
    const deadlines = new Deadlines(100, (exchange) =>
      expired.push((exchange as unknown as { name: string }).name),
    )
    const entries = ["a", "b", "c"].map((name) => {
      const entry = createDeadlineEntry()
      deadlines.add(entry, exchangeOf(name), performance.now())
      vi.advanceTimersByTime(10)
      return entry
    })
    deadlines.remove(entries[1]!)
    deadlines.remove(entries[1]!)
    vi.advanceTimersByTime(85)
    expect(expired).toEqual(["a"])
    vi.advanceTimersByTime(100)
    expect(expired).toEqual(["a", "c"])
    expect(deadlines.count).toBe(0)
    deadlines.close()
  })

  test("an expiry that adds and removes others harms nobody", () => {
    vi.useFakeTimers()
    let expired = 0
    const entries = Array.from({ length: 4 }, createDeadlineEntry)
    const deadlines = new Deadlines(50, () => {
      expired++
      deadlines.remove(entries[1]!)
      if (expired === 1) deadlines.add(entries[3]!, exchangeOf("late"), performance.now())
    })
    for (const entry of entries.slice(0, 3)) deadlines.add(entry, exchangeOf("x"), performance.now())
    vi.advanceTimersByTime(200)
    expect(expired).toBe(3)
    expect(deadlines.count).toBe(0)
  })

  test("Infinity never expires, and a very long one is no short one", () => {
    vi.useFakeTimers()
    let expired = 0
    for (const durationMs of [Number.POSITIVE_INFINITY, 2 ** 33]) {
      const deadlines = new Deadlines(durationMs, () => expired++)
      deadlines.add(createDeadlineEntry(), exchangeOf("x"), performance.now())
      vi.advanceTimersByTime(2 ** 32)
      deadlines.close()
    }
    expect(expired).toBe(0)
  })
})

describe("waiting list", () => {
  test("first come, first served, at most so many, those that ended skipped", () => {
    const operation = fc.constantFrom("add", "take", "end")
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 300 }),
        fc.integer({ min: 0, max: 5 }),
        (operations, max) => {
          const list = new WaitingList(max)
          let model: { name: string; finished: boolean }[] = []
          let count = 0
          for (const it of operations) {
            if (it === "add") {
              const exchange = exchangeOf(String(++count)) as unknown as { name: string; finished: boolean }
              const took = list.add(exchange as unknown as HostExchange)
              expect(took).toBe(model.length < max)
              if (took) model.push(exchange)
            } else if (it === "take") {
              expect(list.take()).toBe(model.shift())
            } else if (model.length > 0) {
              const ended = model[count % model.length]!
              ended.finished = true
              model = model.filter((other) => other !== ended)
              list.ended()
            }
            expect(list.length).toBe(model.length)
          }
        },
      ),
    )
  })
})
