/** Frames of HTTP/2 as bytes (RFC 9113 4), right or wrong. Field sections without Huffman coding or table (RFC 7541 6.2.2). */

export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const
export const Flag = { end: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const
export const Code = {
  no: 0,
  protocol: 1,
  internal: 2,
  flow: 3,
  closed: 5,
  size: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32(value)])
}

/** A field section: names and values in turn, each below 127 bytes unless `long`. */
export function section(fields: Readonly<Record<string, string>> | readonly string[]): Buffer {
  const list = Array.isArray(fields) ? (fields as string[]) : Object.entries(fields).flat()
  const parts: Buffer[] = []
  for (let i = 0; i < list.length; i += 2)
    parts.push(Buffer.from([0]), text(list[i] as string), text(list[i + 1] as string))
  return Buffer.concat(parts)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1")
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const rest: number[] = []
  let left = bytes.length - 127
  for (; left >= 128; left = Math.floor(left / 128)) rest.push((left % 128) | 128)
  return Buffer.concat([Buffer.from([127, ...rest, left]), bytes])
}

export const GET = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "a.test" } as const
export const POST = { ...GET, ":method": "POST" } as const

export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
