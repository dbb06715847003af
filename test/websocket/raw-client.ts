/** A WebSocket client that sends what it is told, frame by frame and byte by byte, and shows what comes back. */
import { createHash, randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { within } from "../support/deadline.ts"
import { closeFrame, type Frame, FrameReader, frame, OP } from "./frames.ts"

const ANSWER_MS = 20_000

export interface OpenOptions {
  /** `Name: value` lines beside or, with the same name, instead of the usual ones; a value of "" takes the line away. */
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

export class RawClient {
  readonly socket: Socket
  /** Of the answer to the handshake. */
  status = 0
  head = ""
  /** What follows the head of an answer that is no upgrade. */
  body = ""
  readonly frames: Frame[] = []
  /** The server's half has ended; or the connection was reset. */
  ended = false
  isReset = false
  readonly #reader = new FrameReader()
  #text = Buffer.alloc(0)
  #waiters: (() => void)[] = []
  #read = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay()
    socket.on("data", (bytes: Buffer) => this.#data(bytes))
    socket.on("end", () => this.#over())
    socket.on("error", () => {
      this.isReset = true
      this.#over()
    })
    socket.on("close", () => this.#over())
  }

  /** Resolves with the answer to the handshake, whatever it is. `url`: `http://127.0.0.1:1/path`. */
  static async open(url: string, options: OpenOptions = {}): Promise<RawClient> {
    const { hostname, port, host, pathname, search } = new URL(url)
    const client = new RawClient(connect({ host: hostname, port: Number(port), allowHalfOpen: true }))
    const key = randomBytes(16).toString("base64")
    const headers: Record<string, string> = {
      Host: host,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
      ...options.headers,
    }
    const lines = Object.entries(headers).filter(([, value]) => value !== "")
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    client.socket.write(`${options.method ?? "GET"} ${pathname}${search} HTTP/1.1\r\n${text}\r\n`)
    await client.#until("the answer to the handshake", () => client.status !== 0 || client.ended)
    if (client.status === 101) {
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
      if (client.header("sec-websocket-accept") !== accept)
        throw new Error(`a wrong accept key: ${client.head}`)
    }
    return client
  }

  header(name: string): string | undefined {
    return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "im").exec(this.head)?.[1]
  }

  send(text: string | Uint8Array): void {
    this.socket.write(frame({ opcode: typeof text === "string" ? OP.text : OP.binary, payload: text }))
  }

  close(code = 1000): void {
    this.socket.write(closeFrame(code))
  }

  /** Writes in pieces of `chop` bytes, each a write of its own. */
  async write(bytes: Buffer, chop = Number.POSITIVE_INFINITY): Promise<void> {
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += chop)
      await new Promise<void>((done) => this.socket.write(bytes.subarray(at, at + chop), () => done()))
  }

  /** The next frame that was not taken yet, or null at the end of the connection. */
  async next(ms = ANSWER_MS): Promise<Frame | null> {
    await this.#until("a frame", () => this.frames.length > this.#read || this.ended, ms)
    return this.frames[this.#read++] ?? null
  }

  /** The next data frame's payload as text; control frames other than Close are skipped. Fails on a Close or an end. */
  async text(ms = ANSWER_MS): Promise<string> {
    while (true) {
      const next = await this.next(ms)
      if (next === null) throw new Error("the connection has ended")
      if (next.opcode === OP.close) throw new Error(`closed with ${closeCode(next)}`)
      if (next.opcode === OP.text || next.opcode === OP.binary) return next.payload.toString()
    }
  }

  /** The code of the server's Close frame, 1005 without one, 1006 when the connection ended without the frame. */
  async closed(ms = ANSWER_MS): Promise<number> {
    while (true) {
      const next = await this.next(ms)
      if (next === null) return 1006
      if (next.opcode === OP.close) return closeCode(next)
    }
  }

  /** Resolves when the server has ended the connection. */
  end(ms = ANSWER_MS): Promise<void> {
    return this.#until("the end of the connection", () => this.ended, ms)
  }

  destroy(): void {
    this.socket.destroy()
  }

  #data(bytes: Buffer): void {
    if (this.status !== 101) {
      this.#text = Buffer.concat([this.#text, bytes])
      const end = this.#text.indexOf("\r\n\r\n")
      if (end === -1) return
      this.head = this.#text.toString("latin1", 0, end)
      this.status = Number(this.head.slice(9, 12))
      if (this.status === 101) this.#reader.add(this.#text.subarray(end + 4))
      else this.body = this.#text.toString("utf8", end + 4)
    } else this.#reader.add(bytes)
    for (let it = this.#reader.next(); it !== null; it = this.#reader.next()) this.frames.push(it)
    this.#wake()
  }

  #over(): void {
    this.ended = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }

  async #until(what: string, passes: () => boolean, ms = ANSWER_MS): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!passes()) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    await within(ms, what, wait())
  }
}

export function closeCode({ payload }: Frame): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0)
}
