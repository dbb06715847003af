/** What the cell tells a worker thread that is to run an instance. Types only. */
import type { GuestConfig } from "../../guest-config.ts"

export interface WorkerTask {
  readonly id: string
  readonly guestFile: string
  readonly guest: GuestConfig
  readonly entry: string
  /** Nobody else can tell what it uses: it says so itself, so often. */
  readonly tellUseMs: number | null
}

/** What a thread's heap and buffers take. */
export interface ThreadUse {
  readonly polyhost: "use"
  readonly id: string
  readonly bytes: number
}

/** What a thread says by its parent's port before its own channel is open. */
export interface EarlyOutput {
  readonly polyhost: "output"
  readonly id: string
  readonly stream: "stdout" | "stderr"
  readonly text: string
}
