/** What the admin API, `polyhost status` and embedders see of an app (DESIGN 4.4). */
import type { LimitReason } from "../../protocol/errors.ts"

export type AppState = "starting" | "running" | "idle" | "degraded" | "backoff" | "failed" | "stopped"

export interface AppStatus {
  readonly name: string
  readonly state: AppState
  readonly runtime: { readonly name: string; readonly version: string }
  readonly interface: string
  readonly generation: number
  /** As a person would write them: `shop.example.com/x/*`. */
  readonly routes: readonly string[]
  readonly instances: readonly InstanceStatus[]
  readonly queue: { readonly waiting: number }
  readonly lastError: LastErrorStatus | null
}

export interface LastErrorStatus {
  readonly code: string
  readonly message: string
  /** Which of its limits the app went over, if that is what the code says. */
  readonly reason: LimitReason | null
  readonly at: string
}

export interface InstanceStatus {
  readonly id: string
  readonly pid: number | null
  readonly state: string
  readonly inFlight: number
  /** WebSocket connections and other tunnels: no requests any more. */
  readonly sockets: number
  readonly requests: number
  readonly rssBytes: number
  readonly startedAt: string
}
