/**
 * Tenancy: one instance's stay in a cell, from the order to start it to its end, as the host sees it. Collects what the cell says of it.
 * Knows no connection and no exchange: that is `cell-instance.ts`.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import { OutputLines } from "../process/output-lines.ts"
import type { OutputSink, Retirement } from "../runtime.ts"
import type { InstanceEnd } from "./cell-messages.ts"

/** Why an instance in a cell is no more. */
export interface TenancyEnd extends InstanceEnd {
  /** It ended with its cell, through no fault of its own. */
  readonly collateral: boolean
  readonly signal: string | null
}

export interface TenancyParts {
  readonly id: string
  readonly app: string
  readonly output: OutputSink
  /** Longest that it may take from now to be replaced and gone, in milliseconds. */
  readonly replacedWithinMs: number
  readonly wedgeMs: number
}

export class Tenancy {
  readonly id: string
  readonly app: string
  readonly output: OutputSink
  readonly replacedWithinMs: number
  readonly wedgeMs: number
  readonly ended: Promise<TenancyEnd>
  readonly retiring: Promise<Retirement>
  /** Thread of the cell's process that runs it, once known, where it has one of its own. */
  threadId: number | null = null
  /** Exchanges on their way. An instance that starts runs code of its app: that counts as one. */
  inFlight: () => number = () => 1
  /** Its app was loaded. */
  isReady = false
  /** Its loop computes, and has for long. */
  isBusy = false
  #end: TenancyEnd | null = null
  #resolveEnded!: (end: TenancyEnd) => void
  #resolveRetiring!: (retirement: Retirement) => void
  readonly #lines: Readonly<Record<"stdout" | "stderr", OutputLines>>

  constructor(parts: TenancyParts) {
    this.id = parts.id
    this.app = parts.app
    this.output = parts.output
    this.replacedWithinMs = parts.replacedWithinMs
    this.wedgeMs = parts.wedgeMs
    this.#lines = {
      stdout: new OutputLines("stdout", parts.output),
      stderr: new OutputLines("stderr", parts.output),
    }
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.retiring = new Promise((resolve) => {
      this.#resolveRetiring = resolve
    })
  }

  get over(): boolean {
    return this.#end !== null
  }

  print(stream: "stdout" | "stderr", text: string): void {
    this.#lines[stream].push(text)
  }

  retire(reason: string, cause: ClientErrorCode | null): void {
    this.#resolveRetiring({ reason, cause })
  }

  /** The first end counts. */
  end(end: TenancyEnd): void {
    if (this.#end !== null) return
    this.#end = end
    this.#lines.stdout.end()
    this.#lines.stderr.end()
    this.#resolveEnded(end)
  }
}
