/**
 * What calls and store requests look like on both ends: limits, reasons, shapes. Layouts of the payloads stand in
 * `messages.ts`. Client end: `call-client.ts` (in the guest), server end: `call-server.ts` (trusted).
 */
import { violation } from "../frames.ts"

export const CALL_REQUEST_FIXED_BYTES = 14
export const CALL_RESPONSE_FIXED_BYTES = 8
export const STORE_REQUEST_FIXED_BYTES = 12

/** Longest URL of a call, in bytes. */
export const MAX_CALL_URL_BYTES = 0xffff
/** Longest method and longest name of a binding, in bytes. */
export const MAX_CALL_NAME_BYTES = 0xff
/** Longest key of a store, and longest prefix and cursor of a list, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512
export const MAX_CURSOR_BYTES = 1024
/** Longest value of a store, in bytes. */
export const MAX_VALUE_BYTES = 128 * 1024
/** Most keys that one list names. */
export const MAX_LIST_KEYS = 1000

/** Reasons in call.disconnect. */
export const CallEnd = {
  /** guest: nobody waits for the answer; host: the callee is gone. */
  gone: 1,
  /** host → guest: not allowed or not known; the message says what. */
  refused: 2,
  /** host → guest: it was tried and failed, or the answer broke off. */
  failed: 3,
  timeout: 4,
} as const

/** Why a call ended without its answer, or before the end of it. */
export type CallFailure = keyof typeof CallEnd

const FAILURE_OF_CODE: readonly (CallFailure | undefined)[] = [
  undefined,
  "gone",
  "refused",
  "failed",
  "timeout",
]

export function callFailure(code: number): CallFailure {
  return FAILURE_OF_CODE[code] ?? "failed"
}

export const StoreOp = { get: 1, put: 2, delete: 3, list: 4 } as const
export type StoreOpName = keyof typeof StoreOp

const STORE_OPS: readonly (StoreOpName | undefined)[] = [undefined, "get", "put", "delete", "list"]

export function storeOp(code: number): StoreOpName {
  const op = STORE_OPS[code]
  if (op === undefined) throw violation(`P22: store operation ${code}`)
  return op
}

/** Outcomes in store.response. */
export const StoreOutcome = { ok: 0, absent: 1, error: 2 } as const

/** What a list answers, as JSON. */
export interface StoreList {
  readonly keys: readonly { readonly name: string; readonly expiration?: number }[]
  readonly complete: boolean
  /** To go on with; "" when complete. */
  readonly cursor: string
}

/** What a store answers when it cannot do what it was asked, as JSON. */
export interface StoreError {
  readonly code: string
  readonly message: string
}
