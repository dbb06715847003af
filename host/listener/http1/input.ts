/** Input: the bytes of a connection that came and were not read yet. Most are read where they came; only what waits is copied. */
export class Input {
  /** What waits is `bytes[at, end)`. Bytes before `end` never change: views of them stay right. */
  bytes: Buffer = NO_BYTES
  at = 0
  end = 0

  get waiting(): number {
    return this.end - this.at
  }

  /** @returns by how much what waited has moved: add it to positions in `bytes`. */
  add(chunk: Buffer): number {
    const { at, end, waiting } = this
    if (waiting === 0) {
      this.bytes = chunk
      this.at = 0
      this.end = chunk.length
      return -at
    }
    const fits = end + chunk.length <= this.bytes.length
    if (!fits) {
      const grown = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * (waiting + chunk.length)))
      this.bytes.copy(grown, 0, at, end)
      this.bytes = grown
      this.at = 0
      this.end = waiting
    }
    chunk.copy(this.bytes, this.end)
    this.end += chunk.length
    return fits ? 0 : -at
  }

  clear(): void {
    this.bytes = NO_BYTES
    this.at = 0
    this.end = 0
  }
}

const NO_BYTES = Buffer.alloc(0)
const LEAST_BYTES = 4096
