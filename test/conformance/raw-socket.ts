/**
 * One connection on which every byte counts: what is sent is sent as it is, what comes is taken in order, and how the other
 * side ended is known. What the bytes mean is `raw-client.ts`'s.
 */
import { connect, type Socket } from "node:net"
import { within } from "../support/deadline.ts"

/** Longest wait for any bytes, if nothing else is said. */
const WAIT_MS = 5000
/** What is held unread before the socket is paused. */
const HELD_BYTES = 256 * 1024

/** The connection ended where bytes were owed. */
export class CutError extends Error {
  override readonly name = "CutError"
}

export class RawSocket {
  readonly #socket: Socket
  readonly #waitMs: number
  #chunks: Buffer[] = []
  #heldBytes = 0
  #held = false
  #ended: "fin" | "reset" | null = null
  #wake: (() => void)[] = []
  #sentText = ""
  #receivedText = ""

  constructor(port: number, waitMs = WAIT_MS) {
    this.#waitMs = waitMs
    // Our own end is ours to send: a half-closed connection is among the cases.
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true })
    this.#socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#receivedText = noted(this.#receivedText, chunk)
      this.#heldBytes += chunk.length
      if (this.#heldBytes > HELD_BYTES) this.#socket.pause()
      this.#changed()
    })
    this.#socket.on("end", () => this.#end("fin"))
    this.#socket.on("error", () => this.#end("reset"))
    this.#socket.on("close", () => this.#end("reset"))
  }

  /** How the other side ended; null while it has not. */
  get ended(): "fin" | "reset" | null {
    return this.#ended
  }

  /** What went each way, as far as it is kept. */
  get transcript(): string {
    const end = this.#ended === null ? "" : ` (${this.#ended})`
    return `> ${told(this.#sentText)}\n< ${told(this.#receivedText)}${end}`
  }

  /** Latin-1 when a string. Does not wait for the other side to read. */
  send(bytes: string | Uint8Array): this {
    this.#sentText = noted(this.#sentText, bytes)
    if (this.#socket.writable) {
      if (typeof bytes === "string") this.#socket.write(bytes, "latin1")
      else this.#socket.write(bytes)
    }
    return this
  }

  /** Resolves when the bytes have left this process, or the connection ended. */
  async sent(bytes: string | Uint8Array): Promise<void> {
    this.#sentText = noted(this.#sentText, bytes)
    await new Promise<void>((resolve) => {
      if (this.#socket.writable) this.#socket.write(bytes, "latin1", () => resolve())
      else resolve()
    })
  }

  /** Ends our direction. */
  finish(): this {
    this.#socket.end()
    return this
  }

  /** Ends both at once, by RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Stops taking bytes from the kernel. */
  hold(): void {
    this.#held = true
    this.#socket.pause()
  }

  release(): void {
    this.#held = false
    this.#socket.resume()
  }

  /** The next bytes up to `limit`. Empty at the other side's end; a CutError when that was a reset. */
  async some(limit: number): Promise<Buffer> {
    await this.#filled("any bytes")
    if (this.#heldBytes === 0) {
      if (this.#ended === "reset") throw new CutError("the connection was reset")
      return Buffer.alloc(0)
    }
    return this.#take(limit)
  }

  /** Exactly so many bytes. */
  async exactly(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let missing = bytes
    while (missing > 0) {
      await this.#filled(`${missing} more bytes`)
      if (this.#heldBytes === 0) throw new CutError(`the connection ended ${missing} bytes short of ${bytes}`)
      const part = this.#take(missing)
      missing -= part.length
      parts.push(part)
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  /** Latin-1 up to CRLF, which is consumed. */
  async line(maxBytes = 1024 * 1024): Promise<string> {
    let text = ""
    while (true) {
      await this.#filled(`the end of the line ${JSON.stringify(text.slice(0, 200))}`)
      if (this.#heldBytes === 0)
        throw new CutError(`the connection ended in the line ${JSON.stringify(text.slice(0, 200))}`)
      const chunk = this.#chunks[0] as Buffer
      const lf = chunk.indexOf(10)
      text += this.#take(lf === -1 ? chunk.length : lf + 1).toString("latin1")
      if (lf !== -1) break
      if (text.length > maxBytes) throw new Error("a line without an end")
    }
    if (!text.endsWith("\r\n")) throw new Error(`a bare LF: ${JSON.stringify(text.slice(-200))}`)
    const line = text.slice(0, -2)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw new Error(`a control byte: ${JSON.stringify(line)}`)
    return line
  }

  /** True when bytes wait or come within `ms`. */
  async hasBytes(ms: number): Promise<boolean> {
    const untilMs = performance.now() + ms
    while (this.#heldBytes === 0 && this.#ended === null) {
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) return false
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    return this.#heldBytes > 0
  }

  /** Resolves with the end of the other side; fails when bytes came before it. */
  async closed(ms = this.#waitMs): Promise<"fin" | "reset"> {
    const closed = (async () => {
      while (this.#ended === null && this.#heldBytes === 0)
        await new Promise<void>((resolve) => this.#wake.push(resolve))
      return this.#ended
    })()
    const ended = await within(ms, "the end of the connection", closed)
    if (this.#heldBytes > 0) {
      const text = Buffer.concat(this.#chunks).toString("latin1").slice(0, 300)
      throw new Error(`bytes where the connection should end: ${JSON.stringify(text)}`)
    }
    return ended as "fin" | "reset"
  }

  async #filled(what: string): Promise<void> {
    if (this.#heldBytes > 0 || this.#ended !== null) return
    const filled = (async () => {
      while (this.#heldBytes === 0 && this.#ended === null)
        await new Promise<void>((resolve) => this.#wake.push(resolve))
    })()
    await within(this.#waitMs, what, filled)
  }

  #take(limit: number): Buffer {
    const first = this.#chunks[0] as Buffer
    const part = first.subarray(0, limit)
    if (part.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(limit)
    this.#heldBytes -= part.length
    if (!this.#held && this.#heldBytes <= HELD_BYTES && this.#ended === null) this.#socket.resume()
    return part
  }

  #end(how: "fin" | "reset"): void {
    if (this.#ended === null || (this.#ended === "fin" && how === "reset" && this.#socket.errored))
      this.#ended = how
    this.#changed()
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Bytes that a transcript keeps of each direction. */
const NOTED_BYTES = 8000
/** Characters that it shows of each. */
const TOLD_CHARACTERS = 700

/** Repeats shortened. */
function told(text: string): string {
  const short = text.replaceAll(/(.{1,4}?)\1{9,}/gs, (all, one: string) => `${one}[… ${all.length} bytes]`)
  const quoted = JSON.stringify(short)
  return quoted.length > TOLD_CHARACTERS ? `${quoted.slice(0, TOLD_CHARACTERS)}…` : quoted
}

function noted(text: string, bytes: string | Uint8Array): string {
  const room = NOTED_BYTES - text.length
  if (room <= 0) return text
  const more =
    typeof bytes === "string" ? bytes.slice(0, room) : Buffer.from(bytes.subarray(0, room)).toString("latin1")
  return text + more
}
