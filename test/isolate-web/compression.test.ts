import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
} from "node:zlib"
import { describe, expect, it } from "vitest"
import { CompressionStream, DecompressionStream } from "../../runtimes/isolate/web/compression/index.ts"
import { core } from "./core-fixture.ts"

const input = new Uint8Array(Buffer.from("some text, some text, ".repeat(20_000)))
const FORMATS = [
  ["gzip", gzipSync, gunzipSync],
  ["deflate", deflateSync, inflateSync],
  ["deflate-raw", deflateRawSync, inflateRawSync],
  ["brotli", brotliCompressSync, brotliDecompressSync],
] as const
// Brotli is the cell's, and asks for it.
core()

interface Pair {
  readonly readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }> } }
  readonly writable: {
    getWriter(): { write(chunk: unknown): Promise<void>; close(): Promise<void> }
  }
}

async function through(stream: unknown, chunks: readonly Uint8Array[]): Promise<Buffer> {
  const { readable, writable } = stream as Pair
  const writer = writable.getWriter()
  const reader = readable.getReader()
  for (const chunk of chunks) writer.write(chunk).catch(() => undefined)
  writer.close().catch(() => undefined)
  const pieces: Uint8Array[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(pieces)
    pieces.push(value!)
  }
}

describe.each(FORMATS)("%s inside an isolate", (format, compress, decompress) => {
  it("makes what zlib reads and reads what zlib makes, in pieces of any size", async () => {
    const made = await through(new CompressionStream(format), [input.subarray(0, 1000), input.subarray(1000)])
    expect(decompress(made).equals(input)).toBe(true)
    expect(made.length).toBeLessThan(input.length / 10)
    const theirs = new Uint8Array(compress(input))
    const bytes = Array.from(theirs, (_, at) => theirs.subarray(at, at + 1))
    expect((await through(new DecompressionStream(format), bytes)).equals(input)).toBe(true)
  })

  // The cell turns brotli whole.
  if (format !== "brotli")
    it("gives what it has before the input ends", async () => {
      const { readable, writable } = new DecompressionStream(format) as unknown as Pair
      const written = writable.getWriter().write(new Uint8Array(compress(input)).subarray(0, 300))
      const { value } = await readable.getReader().read()
      expect(value!.length).toBeGreaterThan(0)
      await written
    })

  it("refuses input that ends early, goes on after its end, or is something else", async () => {
    const good = new Uint8Array(compress(input))
    const twice = new Uint8Array([...good, ...good])
    for (const bad of [
      good.subarray(0, -1),
      new Uint8Array([...good, 0]),
      twice,
      new Uint8Array([7, 7, 7, 7]),
    ])
      await expect(through(new DecompressionStream(format), [bad])).rejects.toThrow(TypeError)
    await expect(through(new DecompressionStream(format), [])).rejects.toThrow(TypeError)
  })
})

it("a wrong checksum is an error", async () => {
  const bad = new Uint8Array(gzipSync(input))
  bad[bad.length - 6]! ^= 1
  await expect(through(new DecompressionStream("gzip"), [bad])).rejects.toThrow(TypeError)
})

it("brotli gives its output as soon as the compressed data is complete", async () => {
  const { readable, writable } = new DecompressionStream("brotli") as unknown as Pair
  const written = writable.getWriter().write(new Uint8Array(brotliCompressSync(Buffer.from("all of it"))))
  const { value } = await readable.getReader().read()
  expect(Buffer.from(value!).toString()).toBe("all of it")
  await written
})

it("what a little brotli may grow to is bounded", async () => {
  const bomb = new Uint8Array(
    brotliCompressSync(new Uint8Array(64 << 20), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  )
  expect(bomb.length).toBeLessThan(64 << 10)
  await expect(through(new DecompressionStream("brotli"), [bomb])).rejects.toThrow()
})

it("formats that nobody knows are refused", () => {
  expect(() => new CompressionStream("zip")).toThrow(TypeError)
})
