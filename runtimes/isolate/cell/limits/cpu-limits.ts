/** Whether CPU time that was used is too much, and how that is said. */

import type { StartOrder } from "../../../cell/cell-messages.ts"
import type { TurnTime } from "./cpu-share.ts"

/** How long before the host would end it. */
const WEDGE_MARGIN_MS = 500
/** Part of the time that a turn works which counts as busy: many may share one processor. */
const WORKS = 0.05
/** Longer than nearly all turns, shorter than it takes to make what V8 cannot survive. */
const LONG_TURN_MS = 20
/** The least for loading an app, which is no request. */
const LOAD_MS = 10_000

export class CpuLimits {
  readonly #hardMs: number
  readonly #softMs: number
  readonly #wedgeMs: number

  /** Milliseconds of one request, and `timeouts.wedge`; null: off. */
  constructor({ cpuMs, cpuSoftMs, wedgeMs }: Pick<StartOrder, "cpuMs" | "cpuSoftMs" | "wedgeMs">) {
    this.#hardMs = cpuMs ?? Number.POSITIVE_INFINITY
    this.#softMs = cpuSoftMs ?? Number.POSITIVE_INFINITY
    this.#wedgeMs = wedgeMs ?? Number.POSITIVE_INFINITY
  }

  overHard(ms: number): string | null {
    if (ms <= this.#hardMs) return null
    return `a request used more than the ${this.#hardMs} ms of CPU time that it may (limits.cpu)`
  }

  /** A turn of so long tells why the loop does not answer, and who brought the process down if it ends now. */
  isLongTurn(ms: number): boolean {
    return ms >= LONG_TURN_MS
  }

  /**
   * A turn that the host is about to call wedged, but which works rather than stands still, has used too much CPU time, however little
   * of the machine it got.
   */
  overWedge({ wallMs, cpuMs }: TurnTime): string | null {
    const margin = Math.min(WEDGE_MARGIN_MS, this.#wedgeMs / 4)
    if (wallMs <= this.#wedgeMs - margin || cpuMs < wallMs * WORKS) return null
    return `a request kept its loop busy for ${Math.round(wallMs)} ms: CPU time is limited by timeouts.wedge (${this.#wedgeMs} ms) too`
  }

  overSoft(ms: number): string | null {
    return ms <= this.#softMs
      ? null
      : `a request used more than ${this.#softMs} ms of CPU time (limits.cpuSoft)`
  }

  /** `ms`: all that the isolate has used. */
  overWhileLoading(ms: number): string | null {
    const most = Math.max(this.#hardMs, LOAD_MS)
    return ms <= most ? null : `it used more than ${most} ms of CPU time to load`
  }
}
