import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { HeldBody } from "../../protocol/held-body.ts"

describe("HeldBody", () => {
  it("gives back every byte in order, however pieces and takes are mixed", () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 5000 }))
    fc.assert(
      fc.property(fc.array(fc.option(sizes, { freq: 4 })), (steps) => {
        const held = new HeldBody()
        const put: number[] = []
        const got: number[] = []
        for (const size of steps) {
          if (size === null) {
            got.push(...(held.take() ?? []))
            continue
          }
          const piece = Uint8Array.from({ length: size }, (_, at) => put.length + at)
          put.push(...piece)
          held.add(piece)
          expect(held.empty).toBe(false)
        }
        for (let piece = held.take(); piece !== null; piece = held.take()) got.push(...piece)
        expect(got).toEqual(put)
        expect(held.empty).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it("keeps single bytes together", () => {
    const held = new HeldBody()
    for (let at = 0; at < 64 * 1024; at++) held.add(new Uint8Array(1))
    let pieces = 0
    while (held.take() !== null) pieces++
    expect(pieces).toBeLessThanOrEqual(17)
  })
})
