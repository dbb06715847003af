/** Control payloads: JSON in UTF-8. Parsing never throws anything but PROTOCOL_VIOLATION. */
import { messageOf } from "./errors.ts"
import {
  type FramePayload,
  type FrameTypeNumber,
  type FrameWriter,
  MAX_CONTROL_BYTES,
  violation,
} from "./frames.ts"

// Web globals that every runtime of ours has (Node 11 and up, Bun, Deno), declared because this folder has no platform types.
declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean })
  decode(bytes: Uint8Array): string
}

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder("utf-8", { fatal: true })
const lenientDecoder = new TextDecoder("utf-8", { fatal: false })

export function writeControl(writer: FrameWriter, type: FrameTypeNumber, message: object): void {
  writer.frame(type, 0, 0, encoder.encode(JSON.stringify(message)))
}

/** @throws PolyhostError PROTOCOL_VIOLATION when the payload is too long, not UTF-8 or not JSON. */
export function readControl(payload: FramePayload): unknown {
  const bytes = payload.bytes.subarray(payload.start, payload.end)
  // P2
  if (bytes.length > MAX_CONTROL_BYTES) {
    throw violation(`P2: a control message of ${bytes.length} bytes; the longest is ${MAX_CONTROL_BYTES}`)
  }
  try {
    return JSON.parse(strictDecoder.decode(bytes))
  } catch (error) {
    throw violation(`P2: a control message that is not JSON (${messageOf(error)})`)
  }
}

/** UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text)
}

/** At most `maxBytes` of the payload after `skip` bytes, as text; what is not UTF-8 is replaced. */
export function readText(payload: FramePayload, skip: number, maxBytes: number): string {
  const start = payload.start + skip
  return lenientDecoder.decode(payload.bytes.subarray(start, Math.min(payload.end, start + maxBytes)))
}
