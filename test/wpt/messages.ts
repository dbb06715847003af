/** What a run's process and its children say to each other; and what a file's run comes to. */
import type { TestFile } from "./suite.ts"

/** testharness.js: 0 PASS, 1 FAIL, 2 TIMEOUT, 3 NOTRUN, 4 PRECONDITION_FAILED. */
export type SubtestStatus = "pass" | "fail" | "timeout" | "notrun" | "precondition"

export interface SubtestResult {
  readonly name: string
  readonly status: SubtestStatus
  readonly message: string | null
}

export interface FileResult {
  readonly name: string
  /** ok: the harness told its end. */
  readonly status: "ok" | "error" | "timeout" | "crash"
  readonly message: string | null
  readonly subtests: readonly SubtestResult[]
}

export interface Task {
  readonly root: string
  /** Scheme, host and port under which the files believe to be served. */
  readonly origin: string
  readonly file: TestFile
  readonly timeLimitMs: number
}

export interface ChildSetup {
  /** The bundle of `inside/`. */
  readonly bundle: string
}

export type ToChild = { readonly setup: ChildSetup } | { readonly task: Task }
export type FromChild = { readonly ready: true } | { readonly result: FileResult }
