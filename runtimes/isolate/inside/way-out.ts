/**
 * The way out of an isolate: calls of the cell's functions, which stay in this closure. They do not wait for the cell, so what waits there
 * would be without bounds; after every so many a call that does wait lets the cell catch up, on the isolate's own time.
 */
import type { CellFunctions } from "../border.ts"

const CROSSINGS = 256
const BYTES = 4 * 1024 * 1024
/** A crossing's own cost, in bytes. */
const CROSSING_BYTES = 256

export interface WayOut
  extends Pick<CellFunctions, "send" | "sendEgress" | "wake" | "print" | "begin" | "evaluated" | "fatal"> {
  /** Runs `flush` when the microtasks that wait now have run. */
  readonly schedule: (flush: () => void) => void
}

export function createWayOut(cell: CellFunctions): WayOut {
  const { send, sendEgress, wake, print, begin, evaluated, fatal, barrier } = cell
  let crossings = 0
  let bytes = 0
  let wakeMs: number | null = null
  // The app may replace `then` of the prototype; this goes on.
  const done = Promise.resolve()
  const then = Promise.prototype.then
  const apply = Reflect.apply

  function count(size: number): void {
    bytes += size + CROSSING_BYTES
    if (++crossings < CROSSINGS && bytes < BYTES) return
    crossings = 0
    bytes = 0
    barrier()
  }

  function schedule(flush: () => void): void {
    apply(then, done, [
      () => {
        try {
          flush()
        } catch (error) {
          // What is left of the guest answers nobody.
          fatal(`${(error as Error | null)?.stack ?? error}`)
        }
      },
    ])
  }

  return {
    schedule,
    send(chunk) {
      count(chunk.byteLength)
      send(chunk)
    },
    sendEgress(chunk) {
      count(chunk.byteLength)
      sendEgress(chunk)
    },
    // An app that sets and clears timers changes its mind often.
    wake(ms) {
      const isWaiting = wakeMs !== null
      wakeMs = ms
      if (isWaiting) return
      schedule(() => {
        const latest = wakeMs
        wakeMs = null
        count(0)
        wake(latest ?? -1)
      })
    },
    print(stream, text) {
      count(text.length * 2)
      print(stream, text)
    },
    begin(id, method, request) {
      count(0)
      begin(id, method, request)
    },
    evaluated: (takesSockets) => evaluated(takesSockets),
    fatal: (why) => fatal(why),
  }
}
