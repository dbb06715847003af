/**
 * A client that says in frames (RFC 9113 4) whatever the test wants, right or wrong, and keeps the frames that come back. Owns no
 * rules: that is the point.
 */
import { connect, type Socket } from "node:net"
import { onTestFinished } from "vitest"
import { eventually } from "../support/deadline.ts"
import { Flag, type Frame, frame, GET, POST, PREFACE, section, setting, Type } from "./frames.ts"

export class RawClient {
  readonly frames: Frame[] = []
  closed = false
  readonly socket: Socket
  #bytes = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => this.#received(chunk))
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.closed = true
    })
  }

  /** With the preface and our settings, or with nothing. */
  static async open(port: number, settings: Uint8Array | null = Buffer.alloc(0)): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    await new Promise((resolve) => socket.once("connect", resolve))
    const it = new RawClient(socket)
    onTestFinished(() => void socket.destroy())
    if (settings !== null) {
      // No table for our decoder: every status is written out.
      it.write(PREFACE).send(Type.settings, 0, 0, Buffer.concat([setting(1, 0), settings]))
      await it.got("the server's settings", ({ type }) => type === Type.settings)
      it.send(Type.settings, Flag.ack, 0)
    }
    return it
  }

  write(bytes: string | Uint8Array): this {
    if (!this.socket.destroyed) this.socket.write(bytes)
    return this
  }

  send(type: number, flags: number, stream: number, payload?: Uint8Array): this {
    return this.write(frame(type, flags, stream, payload))
  }

  /** A request without a body. */
  get(stream: number, fields: Parameters<typeof section>[0] = GET): this {
    return this.send(Type.headers, Flag.end | Flag.endHeaders, stream, section(fields))
  }

  /** The head of a request whose body follows. */
  post(stream: number, fields: Parameters<typeof section>[0] = POST): this {
    return this.send(Type.headers, Flag.endHeaders, stream, section(fields))
  }

  /** The first frame that passes. */
  got(what: string, passes: (frame: Frame) => boolean): Promise<Frame> {
    return eventually(5000, `${what}`, () => this.frames.find(passes))
  }

  /** Frames of a stream. */
  of(stream: number): Frame[] {
    return this.frames.filter((it) => it.stream === stream)
  }

  /** The code that the server resets `stream` with. */
  async reset(stream: number): Promise<number> {
    const found = await this.got(
      `RST_STREAM of ${stream}`,
      (it) => it.type === Type.reset && it.stream === stream,
    )
    return found.payload.readUInt32BE(0)
  }

  /** The code of the last GOAWAY, when the connection has ended. */
  async ended(): Promise<number> {
    await eventually(5000, `the connection's end`, () => this.closed)
    return this.frames.findLast(({ type }) => type === Type.goaway)?.payload.readUInt32BE(4) ?? -1
  }

  /** Status of the answer on `stream`; below zero: it was reset with that code. */
  async status(stream: number): Promise<number> {
    const { type, payload } = await this.got(
      `an answer on ${stream}`,
      (it) => (it.type === Type.headers || it.type === Type.reset) && it.stream === stream,
    )
    return type === Type.reset ? -payload.readUInt32BE(0) : statusIn(payload)
  }

  /** A PING comes back: all that was sent before has been read. */
  async echoed(): Promise<void> {
    const count = this.frames.filter(isPong).length
    this.send(Type.ping, 0, 0, Buffer.alloc(8))
    await eventually(5000, "a pong", () => this.frames.filter(isPong).length > count)
  }

  #received(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length >= 9) {
      const end = 9 + this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < end) return
      const [type = 0, flags = 0] = this.#bytes.subarray(3, 5)
      const stream = this.#bytes.readUInt32BE(5)
      this.frames.push({ type, flags, stream, payload: Buffer.from(this.#bytes.subarray(9, end)) })
      this.#bytes = this.#bytes.subarray(end)
    }
  }
}

function isPong({ type, flags }: Frame): boolean {
  return type === Type.ping && flags === Flag.ack
}

const STATIC_STATUS: Readonly<Record<number, number>> = {
  136: 200,
  137: 204,
  138: 206,
  139: 304,
  140: 400,
  141: 404,
  142: 500,
}

/** `:status` at the start of a field section. */
function statusIn(bytes: Buffer): number {
  // Before it the encoder may say that it has no table (RFC 7541 6.3).
  const payload = ((bytes[0] as number) & 0xe0) === 0x20 ? bytes.subarray(1) : bytes
  const known = STATIC_STATUS[payload[0] as number]
  if (known !== undefined) return known
  const length = (payload[1] as number) & 127
  const value = payload.subarray(2, 2 + length)
  if (((payload[1] as number) & 128) === 0) return Number(value.toString("latin1"))
  return Number(digitsIn(value))
}

/** RFC 7541 B: 0 to 2 have five bits, 3 to 9 six. */
function digitsIn(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  let digits = ""
  for (let at = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    if (five < 3) digits += five
    else digits += Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3
    at += five < 3 ? 5 : 6
  }
  return digits
}
