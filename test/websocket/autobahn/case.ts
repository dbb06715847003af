/**
 * A case of the Autobahn test suite (crossbario/autobahn-testsuite, its fuzzing client): what is sent, and what a right server does.
 * The numbers are the suite's; the waits of seconds in which it looks for an answer are not here: frames are awaited.
 */

export type Step =
  /** `chop`: in pieces of so many bytes, each a write of its own. */
  | { readonly bytes: Buffer; readonly chop?: number }
  /** Nothing may end yet, for a moment. */
  | "pause"

/** `text 5 0a4d55a8…`: what an answer is compared by. */
export type Seen = string

export interface AutobahnCase {
  readonly id: string
  readonly what: string
  readonly steps: readonly Step[]
  /** Answers, in order. */
  readonly ok: readonly Seen[]
  /** Answers that are tolerated: the connection was failed before an earlier message was answered. */
  readonly nonStrict?: readonly Seen[]
  /**
   * normal: the client closes with 1000 after the answers, and gets that back. codes: the server closes with one of them. A case
   * whose steps have a Close in them has the codes of the answer.
   */
  readonly close: "normal" | readonly number[]
  /** The server should fail before the last step (6.4): later is "non-strict". */
  readonly failsFast?: boolean
  /** The specification leaves it open. */
  readonly informational?: boolean
  /** Instead of steps: so many messages there and back, one after the other. */
  readonly roundTrips?: RoundTrips
  /** Takes long or much memory: not in the short form. */
  readonly isLong?: boolean
}

export interface RoundTrips {
  readonly isText: boolean
  readonly bytes: number
  readonly count: number
  readonly shortCount: number
  /** Frames of so many bytes; 0: one frame. */
  readonly fragmentBytes: number
  /** Sec-WebSocket-Extensions; "": none. */
  readonly offer: string
}

export interface Verdict {
  readonly kind: "OK" | "NON-STRICT" | "INFORMATIONAL" | "UNIMPLEMENTED" | "FAILED"
  readonly detail: string
}
