/** Whether CPU time that was used is too much, and how that is said. */

/** The least for loading an app, which is no request. */
const LOAD_MS = 10_000

export class CpuLimits {
  readonly #hardMs: number
  readonly #softMs: number

  /** Milliseconds of one request; null: off. */
  constructor({ cpuMs, cpuSoftMs }: { cpuMs: number | null; cpuSoftMs: number | null }) {
    this.#hardMs = cpuMs ?? Number.POSITIVE_INFINITY
    this.#softMs = cpuSoftMs ?? Number.POSITIVE_INFINITY
  }

  overHard(ms: number): string | null {
    if (ms <= this.#hardMs) return null
    return `a request used more than the ${this.#hardMs} ms of CPU time that it may (limits.cpu)`
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
