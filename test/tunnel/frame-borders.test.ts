import { describe, expect, test } from "vitest"
import { closeFrame, FrameBorders } from "../../runtimes/process/upstream/frame-borders.ts"

/** A frame as a server sends it; `masked` as none should. */
function frame(opcode: number, payloadBytes: number, { fin = true, masked = false } = {}): Buffer {
  const mask = masked ? 0x80 : 0
  const head = [(fin ? 0x80 : 0) | opcode]
  if (payloadBytes < 126) head.push(mask | payloadBytes)
  else if (payloadBytes < 65_536) head.push(mask | 126, payloadBytes >> 8, payloadBytes & 0xff)
  else head.push(mask | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((by) => (payloadBytes >>> by) & 0xff))
  if (masked) head.push(1, 2, 3, 4)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(payloadBytes, 0x88)])
}

const FRAMES = [
  frame(1, 0),
  frame(2, 1, { fin: false }),
  frame(9, 125),
  frame(0, 126, { fin: false }),
  frame(0, 65_535),
  frame(2, 65_536, { masked: true }),
  frame(10, 0, { masked: true }),
]
const ALL = Buffer.concat(FRAMES)
const ENDS = FRAMES.map((_, i) => Buffer.concat(FRAMES.slice(0, i + 1)).length)

describe("frame borders", () => {
  test.each([1, 2, 3, 7, 1000, 65_537, ALL.length])("are found in pieces of %i bytes", (size) => {
    const borders = new FrameBorders()
    const found: number[] = []
    for (let at = 0; at < ALL.length; at += size) {
      const piece = ALL.subarray(at, at + size)
      for (let from = 0; from < piece.length; ) {
        const border = borders.passToBorder(piece.subarray(from))
        if (border === -1) break
        from += border
        found.push(at + from)
      }
    }
    expect(found).toEqual(ENDS)
    expect(borders.closeSeen).toBe(false)
  })

  test.each([1, 5, 4096])("are where they are after pieces of %i bytes", (size) => {
    const borders = new FrameBorders()
    const wrong: number[] = []
    for (let at = 0; at < ALL.length; at += size) {
      borders.pass(ALL.subarray(at, at + size))
      const end = Math.min(at + size, ALL.length)
      if (borders.atBorder !== ENDS.includes(end)) wrong.push(end)
    }
    expect(wrong).toEqual([])
  })

  test("tell a frame that closes, and not bytes that look like one", () => {
    const borders = new FrameBorders()
    borders.pass(frame(2, 300))
    expect(borders.closeSeen).toBe(false)
    borders.pass(closeFrame(1012))
    expect([borders.closeSeen, borders.atBorder]).toEqual([true, true])
  })

  test("a length beyond all bounds is a frame without end", () => {
    const borders = new FrameBorders()
    borders.pass(Buffer.from([0x82, 127, ...Array<number>(8).fill(0xff)]))
    borders.pass(ALL)
    expect(borders.atBorder).toBe(false)
  })
})
