/** WebSocket frames (RFC 6455 5.2) as bytes, right or wrong as a test wants them. */
import { randomBytes } from "node:crypto"

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameParts {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  readonly fin?: boolean
  /** The three reserved bits as a number: 4 is RSV1. */
  readonly rsv?: number
  readonly masked?: boolean
}

export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
  readonly fin: boolean
  readonly rsv: number
  readonly masked: boolean
}

export function frame({ opcode, payload = "", fin = true, rsv = 0, masked = true }: FrameParts): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  const head = frameHead({ opcode, fin, rsv, masked }, bytes.length)
  if (!masked) return Buffer.concat([head, bytes])
  const mask = randomBytes(4)
  const covered = Buffer.from(bytes)
  for (let i = 0; i < covered.length; i++) covered[i] = (covered[i] as number) ^ (mask[i & 3] as number)
  return Buffer.concat([head, mask, covered])
}

export function closeFrame(code?: number, reason: Uint8Array | string = ""): Buffer {
  if (code === undefined) return frame({ opcode: OP.close, payload: reason })
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame({ opcode: OP.close, payload: Buffer.concat([head, Buffer.from(reason)]) })
}

/** A message in pieces of `bytes`. */
export function fragments(opcode: number, payload: Buffer, bytes: number, rsv = 0): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < payload.length; at += bytes) {
    const fin = at + bytes >= payload.length
    frames.push(
      frame({
        opcode: at === 0 ? opcode : OP.continuation,
        payload: payload.subarray(at, at + bytes),
        fin,
        rsv: at === 0 ? rsv : 0,
      }),
    )
  }
  return frames
}

function frameHead(parts: Required<Omit<FrameParts, "payload">>, length: number): Buffer {
  const first = (parts.fin ? 0x80 : 0) | (parts.rsv << 4) | parts.opcode
  const masked = parts.masked ? 0x80 : 0
  if (length < 126) return Buffer.from([first, masked | length])
  const head = Buffer.alloc(length < 65536 ? 4 : 10)
  head[0] = first
  head[1] = masked | (length < 65536 ? 126 : 127)
  if (length < 65536) head.writeUInt16BE(length, 2)
  else head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

/** Reads frames out of bytes that come in any pieces. */
export class FrameReader {
  #pieces: Buffer[] = []
  #length = 0

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  /** The next whole frame, or null. */
  next(): Frame | null {
    if (this.#length < 2) return null
    const head = this.#peek(Math.min(14, this.#length))
    const second = head[1] as number
    const masked = (second & 0x80) !== 0
    let length = second & 0x7f
    let headBytes = 2
    if (length === 126) {
      if (head.length < 4) return null
      length = head.readUInt16BE(2)
      headBytes = 4
    } else if (length === 127) {
      if (head.length < 10) return null
      length = Number(head.readBigUInt64BE(2))
      headBytes = 10
    }
    if (masked) headBytes += 4
    if (this.#length < headBytes + length) return null
    const all = this.#peek(this.#length)
    const first = all[0] as number
    this.#pieces = [all.subarray(headBytes + length)]
    this.#length -= headBytes + length
    return {
      opcode: first & 0x0f,
      payload: all.subarray(headBytes, headBytes + length),
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      masked,
    }
  }

  #peek(bytes: number): Buffer {
    const [first] = this.#pieces
    if (first === undefined || first.length < bytes) this.#pieces = [Buffer.concat(this.#pieces)]
    return (this.#pieces[0] as Buffer).subarray(0, Math.max(bytes, 0))
  }
}
