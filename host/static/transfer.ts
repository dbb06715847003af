/**
 * Transfer: sends parts of a file with the pace of its client: from memory, or read ahead by one piece for clients that keep up. A
 * file that changes on the way makes an answer that is cut, never one of the wrong length or of two files.
 */
import type { FileHandle } from "node:fs/promises"
import type { Exchange, ExchangeHandler, ResponseHead } from "../../protocol/exchange.ts"
import { openFound } from "./find-file.ts"
import { type Identity, sameContent } from "./library.ts"
import type { Loaded } from "./look-ups.ts"
import type { Part, Piece } from "./ranges.ts"

/** Read at once: for slow clients, who would hold more for long, and at most. */
const LEAST_READ = 64 * 1024
const MOST_READ = 512 * 1024
/** From memory, where it costs nothing. */
const MOST_SENT = 1024 * 1024

/**
 * Sends `pieces` after `head`. Resolves when the answer is out, cut or left. "changed": nothing was sent, the file is another now.
 * Rejects when the file cannot be opened or read at all; then nothing was sent either.
 */
export async function transfer(
  out: Exchange,
  loaded: Loaded,
  { head, pieces }: { head: ResponseHead; pieces: readonly Piece[] },
): Promise<"done" | "changed"> {
  const { body, cached } = loaded
  if (body !== null) {
    if (cached !== null) cached.users++
    try {
      await new Transfer(out, pieces, head).send(
        async (part) => body.subarray(part.start, part.end),
        MOST_SENT,
      )
    } finally {
      if (cached !== null) cached.users--
    }
    return "done"
  }
  const handle = await openFound(loaded.file)
  if (handle === null) return "changed"
  try {
    const reader = new Reader(handle, loaded.file.identity)
    await new Transfer(out, pieces, head).send((part, isLast) => reader.read(part, isLast), MOST_READ)
  } finally {
    await handle.close()
  }
  return "done"
}

type Read = (part: Part, isLast: boolean) => Promise<Buffer>

class Reader {
  readonly #handle: FileHandle
  readonly #identity: Identity

  constructor(handle: FileHandle, identity: Identity) {
    this.#handle = handle
    this.#identity = identity
  }

  async read({ start, end }: Part, isLast: boolean): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await this.#handle.read(bytes, at, bytes.length - at, start + at)
      if (bytesRead === 0) throw new Error("the file became shorter while it was sent")
      at += bytesRead
    }
    // The client shall see that it has no whole file of one time.
    if (isLast && !sameContent(await this.#handle.stat(), this.#identity))
      throw new Error("the file changed while it was sent")
    return bytes
  }
}

class Transfer implements ExchangeHandler {
  readonly #out: Exchange
  readonly #pieces: readonly Piece[]
  readonly #head: ResponseHead
  #piece = 0
  #at = 0
  #chunkBytes = LEAST_READ
  #isQuick = true
  #wake: (() => void) | null = null

  constructor(out: Exchange, pieces: readonly Piece[], head: ResponseHead) {
    this.#out = out
    this.#pieces = pieces
    this.#head = head
  }

  /** Rejects when the first piece cannot be read; later the answer is cut. */
  async send(read: Read, mostBytes: number): Promise<void> {
    const out = this.#out
    out.attach(this)
    let next: Promise<Buffer> | null = this.#next(read)
    try {
      while (next !== null && !out.finished) {
        const chunk: Buffer = await next
        next = null
        if (out.finished) break
        const isLast = this.#piece === this.#pieces.length
        const goesOn = out.responded ? out.write(chunk, isLast) : out.respond(this.#head, chunk, isLast)
        if (isLast) break
        // Nothing is read ahead for a client that takes its time.
        if (this.#isQuick) next = this.#next(read)
        next?.catch(() => undefined)
        if (!goesOn) await this.#taken()
        this.#chunkBytes = this.#isQuick ? Math.min(mostBytes, 2 * this.#chunkBytes) : LEAST_READ
        next ??= this.#next(read)
      }
    } catch (error) {
      if (!out.responded) throw error
      if (!out.finished) out.fail("FILE_UNREADABLE", error instanceof Error ? error.message : String(error))
    } finally {
      // The file is not closed before its last read is over.
      await next?.catch(() => undefined)
    }
  }

  requestBody(): void {
    // A file is asked for without a body, and one that comes is not looked at.
  }

  drained(): void {
    this.#wake?.()
  }

  left(): void {
    this.#wake?.()
  }

  /** Resolves when the client has taken the last piece, or left. */
  async #taken(): Promise<void> {
    const sinceMs = performance.now()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = null
    this.#isQuick = performance.now() - sinceMs < QUICK_MS
  }

  #next(read: Read): Promise<Buffer> {
    const piece = this.#pieces[this.#piece]!
    if (Buffer.isBuffer(piece)) {
      this.#piece++
      return Promise.resolve(piece)
    }
    const start = piece.start + this.#at
    const end = Math.min(piece.end, start + this.#chunkBytes)
    if (end === piece.end) {
      this.#piece++
      this.#at = 0
    } else this.#at = end - piece.start
    const isLast = this.#pieces.slice(this.#piece).every((it) => Buffer.isBuffer(it))
    return read({ start, end }, isLast)
  }
}

const QUICK_MS = 50
