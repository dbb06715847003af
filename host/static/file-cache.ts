/**
 * FileCache: bytes of files in memory, at most so many in a host, least recently used first out. What lies in it is only sent
 * after a look at the file (`look-ups.ts`); this file knows nothing of files.
 */

export interface Cached {
  readonly bytes: number
  /** Answers that are being sent from it: it stays as long. */
  users: number
  /** It is no longer kept. */
  dropped(): void
}

/** Of one host. */
export const CACHE_BYTES = 32 * 1024 * 1024
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 1024

export class FileCache {
  readonly #entries = new Set<Cached>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes = CACHE_BYTES) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether so many bytes may have a place at all. */
  takes(bytes: number): boolean {
    return bytes + ENTRY_BYTES <= this.#maxBytes / 2
  }

  /** @returns false when there is no place: the rest is being sent. */
  add(entry: Cached): boolean {
    const needed = entry.bytes + ENTRY_BYTES
    if (!this.takes(entry.bytes)) return false
    for (const other of this.#entries) {
      if (this.#bytes + needed <= this.#maxBytes) break
      if (other.users === 0) this.drop(other)
    }
    if (this.#bytes + needed > this.#maxBytes) return false
    this.#entries.add(entry)
    this.#bytes += needed
    return true
  }

  used(entry: Cached): void {
    if (this.#entries.delete(entry)) this.#entries.add(entry)
  }

  drop(entry: Cached): void {
    if (!this.#entries.delete(entry)) return
    this.#bytes -= entry.bytes + ENTRY_BYTES
    entry.dropped()
  }
}
