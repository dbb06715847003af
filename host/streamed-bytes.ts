/**
 * Keeps memory flat while large bodies pass. Every chunk that is read lies in a buffer of its own outside V8's heap, and
 * V8 frees such buffers only when much has piled up; after so many bytes it is asked for a quick collection of young
 * objects, which takes well under a millisecond and makes the next buffers reuse memory that is still warm.
 */
export class StreamedBytes {
  readonly #collect: (() => void) | null
  #bytes = 0

  /** `collect` collects young garbage; null in a process that is not the host's own (embedding). */
  constructor(collect: (() => void) | null) {
    this.#collect = collect
  }

  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < COLLECT_EVERY_BYTES) return
    this.#bytes = 0
    this.#collect?.()
  }
}

const COLLECT_EVERY_BYTES = 8 * 1024 * 1024
