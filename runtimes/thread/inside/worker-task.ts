/** What the cell tells a worker thread that is to run an instance. Types only. */
import type { GuestConfig } from "../../guest-config.ts"

export interface WorkerTask {
  readonly id: string
  readonly guestFile: string
  readonly guest: GuestConfig
  readonly entry: string
}

/** What a thread says by its parent's port before its own channel is open. */
export interface EarlyOutput {
  readonly polyhost: "output"
  readonly id: string
  readonly stream: "stdout" | "stderr"
  readonly text: string
}
