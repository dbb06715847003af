import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Channel } from "../../protocol/channel.ts"
import { PolyhostError } from "../../protocol/errors.ts"
import { FrameReader } from "../../protocol/frame-reader.ts"
import {
  FLAG_END,
  FrameType,
  type FrameTypeNumber,
  FrameWriter,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  mayHaveFlags,
} from "../../protocol/frames.ts"

interface PlainFrame {
  type: FrameTypeNumber
  flags: number
  stream: number
  payload: Uint8Array
}

const frameArbitrary: fc.Arbitrary<PlainFrame> = fc
  .record({
    type: fc.constantFrom(...Object.values(FrameType)),
    end: fc.boolean(),
    stream: fc.oneof(fc.nat(10), fc.integer({ min: 0, max: 2 ** 48 - 1 })),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(40_000).map((length) => new Uint8Array(length).fill(length)),
    ),
  })
  .map(({ type, end, stream, payload }) => {
    return { type, flags: end && mayHaveFlags(type, FLAG_END) ? FLAG_END : 0, stream, payload }
  })

function isBody(type: number): boolean {
  return type === FrameType.body || type === FrameType.callBody
}

function encode(frames: readonly PlainFrame[]): Uint8Array {
  const written: Uint8Array[] = []
  const channel: Channel = {
    bufferedBytes: 0,
    write: (chunks) => written.push(...chunks),
    listen: () => {},
    close: () => {},
  }
  const writer = new FrameWriter(channel, () => {})
  for (const { type, flags, stream, payload } of frames) writer.frame(type, flags, stream, payload)
  writer.flush()
  return Buffer.concat(written)
}

function decode(chunks: readonly Uint8Array[], options: { bodiesInPieces?: boolean } = {}): PlainFrame[] {
  const frames: PlainFrame[] = []
  const reader = new FrameReader(
    {
      frame: (type, flags, stream, { bytes, start, end }) =>
        frames.push({ type: type as FrameTypeNumber, flags, stream, payload: bytes.slice(start, end) }),
    },
    options,
  )
  for (const chunk of chunks) reader.push(chunk)
  return frames
}

/** Each frame but bodies as it is; neighbouring bodies of a stream as one, up to their end. */
function joined(frames: readonly PlainFrame[]): PlainFrame[] {
  const result: PlainFrame[] = []
  for (const frame of frames) {
    const last = result.at(-1)
    const continues =
      isBody(frame.type) && last?.type === frame.type && last.stream === frame.stream && last.flags === 0
    if (continues) {
      result[result.length - 1] = { ...frame, payload: new Uint8Array([...last.payload, ...frame.payload]) }
    } else result.push(frame)
  }
  return result
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const marks = [0, ...[...at].map((mark) => mark % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return marks.slice(1).map((mark, index) => bytes.slice(marks[index], mark))
}

const plain = (frames: readonly PlainFrame[]) =>
  frames.map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload).toString("base64") }))

describe("frame codec", () => {
  it("reads what was written, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary, { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (frames, at) => {
          expect(plain(decode(cut(encode(frames), at)))).toEqual(plain(frames))
        },
      ),
      { numRuns: 150 },
    )
  })

  it("hands bodies on in pieces without a byte, an order or an end changed, and never an empty piece", () => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (frames, at) => {
          const bytes = encode(frames)
          const pieces = decode(cut(bytes, at), { bodiesInPieces: true })
          expect(plain(joined(pieces))).toEqual(plain(joined(frames)))
          for (const { type, flags, payload } of pieces) {
            const isWhole = frames.some(
              (it) => it.type === type && it.flags === flags && it.payload.length === 0,
            )
            expect(payload.length > 0 || isWhole).toBe(true)
          }
        },
      ),
    )
  })

  it("reads frames that arrive byte by byte", () => {
    fc.assert(
      fc.property(fc.array(frameArbitrary, { maxLength: 3 }), (frames) => {
        const bytes = encode(frames)
        const single = Array.from(bytes, (_, at) => bytes.slice(at, at + 1))
        expect(plain(decode(single))).toEqual(plain(frames))
      }),
      { numRuns: 20 },
    )
  })

  it("passes a frame of every length around the block sizes", () => {
    for (const length of [0, 1, 8191, 8192, 65_523, 65_524, 65_536, MAX_PAYLOAD_BYTES]) {
      const frame = { type: FrameType.body, flags: 0, stream: 7, payload: new Uint8Array(length).fill(9) }
      expect(plain(decode([encode([frame, frame])]))).toEqual(plain([frame, frame]))
    }
  })

  it("throws PROTOCOL_VIOLATION on an impossible header, at whatever byte the chunk ends", () => {
    const impossible = [
      [0, 4, 0, 1, FrameType.body, 0],
      [255, 255, 255, 255, FrameType.body, 0],
      [0, 0, 0, 0, 15, 0],
      [0, 0, 0, 0, 255, 0],
      [0, 0, 0, 0, FrameType.body, 2],
      [0, 0, 0, 0, FrameType.credit, FLAG_END],
      [0, 0, 0, 0, FrameType.ping, FLAG_END],
    ]
    for (const start of impossible) {
      const header = new Uint8Array(HEADER_BYTES)
      header.set(start)
      for (let at = 0; at < HEADER_BYTES; at++) {
        expect(() => decode([header.slice(0, at), header.slice(at)])).toThrow(PolyhostError)
      }
    }
  })

  it("delivers nothing after stop, also of the chunk being read", () => {
    const frame = { type: FrameType.body, flags: 0, stream: 1, payload: new Uint8Array(3) }
    let seen = 0
    const reader: FrameReader = new FrameReader({
      frame: () => {
        seen++
        reader.stop()
      },
    })
    reader.push(encode([frame, frame]))
    reader.push(encode([frame]))
    expect(seen).toBe(1)
  })

  it("only ever throws PROTOCOL_VIOLATION, on any bytes at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode([bytes])
        } catch (error) {
          expect(error).toBeInstanceOf(PolyhostError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
