/** What the parts of the lint share. */
import type { FramePayload } from "./frames.ts"

export type Side = "host" | "guest"
export type OnBroken = (rule: string, message: string) => void

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: FramePayload
}

/** What one side has done on a stream, and what the other lets it do. */
export interface Half {
  window: number
  ended: boolean
  disconnected: boolean
}
