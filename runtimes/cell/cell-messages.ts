/**
 * What host and cell say to each other beside the channels of the instances: one JSON message a line, on a unix socket of the
 * host's that a cell connects to with a one-time token. Types only, for both sides; the host checks what a cell says by
 * `cell-schemas.ts`, for a cell shares its process with the code of apps. Requests never go this way.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { GuestConfig } from "../guest-config.ts"

/** Environment variable with a CellConfig as JSON; the cell removes it before any app runs. */
export const CELL_VARIABLE = "POLYHOST_CELL"

export interface CellConfig {
  /** Path of the host's unix socket for cells, and the one-time token to say there. */
  readonly control: string
  readonly token: string
  /** Path of the bundled guest (threads). */
  readonly guestFile: string
}

/** What a guest in a cell is told; an isolate is no runtime that the shared guest knows. */
export type CellGuest = Omit<GuestConfig, "runtime"> & { readonly runtime: "node" | "isolate" }

/** Starts one instance. Numbers that are "off" in the manifest are null. */
export interface StartOrder {
  readonly type: "start"
  /** Of the instance, unique in the host: `shop-3`. */
  readonly id: string
  readonly app: string
  readonly generation: number
  /** Where the instance's own channel goes to, and what to say there. */
  readonly guest: CellGuest
  readonly dir: string
  readonly entry: string
  /** Arguments of the app, and of the runtime itself. */
  readonly args: readonly string[]
  readonly runtimeArgs: readonly string[]
  /** All variables that the app sees. */
  readonly env: Readonly<Record<string, string>>
  /** `limits.memory`. */
  readonly memoryBytes: number | null
  /** CPU time of one request: hard and soft limit. */
  readonly cpuMs: number | null
  readonly cpuSoftMs: number | null
  /** `timeouts.wedge`. */
  readonly wedgeMs: number | null
  readonly policy: "perApp" | "perRequest"
  readonly outbound: readonly string[]
  readonly inspect: boolean
  /** With it the cell has as many instances as it may: no other will follow soon. */
  readonly fillsCell: boolean
}

export type HostToCell =
  | StartOrder
  /** Ends one instance now. The cell has `KILL_MS` for it. */
  | { readonly type: "kill"; readonly id: string; readonly reason: string }
  /** Opens one session with an instance's inspector: connect to `path` and say `token` there (`runtimes/inspector-frames.ts`). */
  | { readonly type: "inspect"; readonly id: string; readonly path: string; readonly token: string }
  | { readonly type: "ping" }

export type CellToHost =
  | { readonly type: "hello"; readonly token: string }
  | { readonly type: "pong" }
  /** The thread of the process that the instance runs on, where it has one of its own. */
  | { readonly type: "thread"; readonly id: string; readonly threadId: number }
  /** The instance's loop computes, and has for long, or does no more. */
  | { readonly type: "busy"; readonly id: string; readonly isBusy: boolean }
  /** The instance is gone, whatever ended it; also when it could not be started. */
  | ({ readonly type: "ended"; readonly id: string } & InstanceEnd)
  /** The instance is to be replaced: first a replacement, then a polite stop. */
  | {
      readonly type: "retire"
      readonly id: string
      readonly reason: string
      readonly code: ClientErrorCode | null
    }
  /** The whole cell is to be replaced. `id`: the instance that is to blame, when that is known. */
  | {
      readonly type: "poisoned"
      readonly id: string | null
      readonly reason: string
      readonly code: ClientErrorCode
    }
  /** A piece of an instance's output, cut anywhere; for what does not go through the instance's own channel. */
  | {
      readonly type: "output"
      readonly id: string
      readonly stream: "stdout" | "stderr"
      readonly text: string
    }

export interface InstanceEnd {
  /** One sentence, as in `Exit`: `exit code 1`, `used more memory than the 64 MB that it may`. */
  readonly reason: string
  /** What requests in flight are answered with. */
  readonly code: ClientErrorCode
  readonly exitCode: number | null
}

/** How long a cell has for an order to kill before it counts as poisoned, in milliseconds. */
export const KILL_MS = 500

/** Longest line that a cell may send. */
export const MAX_CELL_LINE_BYTES = 128 * 1024
