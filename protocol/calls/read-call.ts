/** Reads what a caller says: the heads of calls and store requests, checked byte by byte (P18, P22). */
import {
  FLAG_END,
  type FramePayload,
  MAX_HEADER_BLOCK_BYTES,
  readLatin1,
  readUint16,
  readUint32,
  readUint48,
  violation,
} from "../frames.ts"
import { isHeaderBlock, isToken, isVisibleText } from "../header-block.ts"
import {
  CALL_REQUEST_FIXED_BYTES,
  MAX_CURSOR_BYTES,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  STORE_REQUEST_FIXED_BYTES,
  type StoreOpName,
  storeOp,
} from "./call-frames.ts"

export interface CallHead {
  readonly binding: string
  readonly method: string
  /** As the caller wrote it: visible ASCII, not parsed. */
  readonly url: string
  /** Header lines `name: value\r\n`, checked; a view that stays valid. */
  readonly lines: Uint8Array
  readonly hasBody: boolean
  /** Stream id of the request that the caller says it answers with it; 0: not known. */
  readonly cause: number
}

export interface StoreRequest {
  readonly op: StoreOpName
  readonly binding: string
  /** The key; of a list the prefix. A view that stays valid, as `value`. */
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Seconds to live of a put, 0 for ever; of a list the most keys. */
  readonly number: number
  /** As in StoreOutcome; at most 128 KiB of value, 256 KiB less one of JSON. */
  answer(outcome: number, bytes: Uint8Array): void
}

export function readCallHead(flags: number, { bytes, start, end }: FramePayload): CallHead {
  // P18
  if (end - start < CALL_REQUEST_FIXED_BYTES) throw violation("P18: a truncated call.request")
  const methodAt = start + CALL_REQUEST_FIXED_BYTES
  const bindingAt = methodAt + bytes[start]!
  const urlAt = bindingAt + bytes[start + 1]!
  const linesAt = urlAt + readUint16(bytes, start + 2)
  if (linesAt + readUint32(bytes, start + 4) !== end)
    throw violation("P18: a call.request whose lengths do not add up")
  if (!isToken(bytes, methodAt, bindingAt)) throw violation("P18: a call.request without a method")
  if (!isVisibleText(bytes, bindingAt, linesAt))
    throw violation("P18: a binding or URL that is not visible ASCII")
  if (end - linesAt > MAX_HEADER_BLOCK_BYTES || !isHeaderBlock(bytes, linesAt, end))
    throw violation("P18: a call.request with a malformed header block")
  return {
    method: readLatin1(bytes, methodAt, bindingAt),
    binding: readLatin1(bytes, bindingAt, urlAt),
    url: readLatin1(bytes, urlAt, linesAt),
    lines: bytes.subarray(linesAt, end),
    hasBody: (flags & FLAG_END) === 0,
    cause: readUint48(bytes, start + 8),
  }
}

export function readStoreRequest({ bytes, start, end }: FramePayload): Omit<StoreRequest, "answer"> {
  // P22
  if (end - start < STORE_REQUEST_FIXED_BYTES) throw violation("P22: a truncated store.request")
  const op = storeOp(bytes[start]!)
  const nameAt = start + STORE_REQUEST_FIXED_BYTES
  const keyAt = nameAt + bytes[start + 1]!
  const valueAt = keyAt + readUint16(bytes, start + 2)
  const valueBytes = readUint32(bytes, start + 8)
  if (valueAt + valueBytes !== end) throw violation("P22: a store.request whose lengths do not add up")
  if (!isVisibleText(bytes, nameAt, keyAt)) throw violation("P22: a binding that is not visible ASCII")
  if (valueAt - keyAt > MAX_KEY_BYTES) throw violation(`P22: a key over ${MAX_KEY_BYTES} bytes`)
  const most = op === "put" ? MAX_VALUE_BYTES : op === "list" ? MAX_CURSOR_BYTES : 0
  if (valueBytes > most) throw violation(`P22: a store.request (${op}) with ${valueBytes} bytes of value`)
  return {
    op,
    binding: readLatin1(bytes, nameAt, keyAt),
    key: bytes.subarray(keyAt, valueAt),
    value: bytes.subarray(valueAt, end),
    number: readUint32(bytes, start + 4),
  }
}
