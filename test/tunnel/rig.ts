/** Clients of tunnels: `ws`, and a socket that says what the test says. Each is gone when its test ends. */
import { connect, type Socket } from "node:net"
import { onTestFinished } from "vitest"
import { type ClientOptions, WebSocket } from "ws"
import { eventually, within } from "../support/deadline.ts"

export const MS = 10_000

/** A WebSocket client that remembers what came. */
export class Talk {
  readonly socket: WebSocket
  readonly messages: (string | Buffer)[] = []
  readonly pings: string[] = []
  readonly closed: Promise<readonly [code: number, reason: string]>

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data: Buffer, isBinary: boolean) =>
      this.messages.push(isBinary ? data : data.toString()),
    )
    socket.on("ping", (data) => this.pings.push(data.toString()))
    socket.on("error", () => undefined)
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve([code, reason.toString()])),
    )
  }

  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Talk> {
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options })
    const talk = new Talk(socket)
    onTestFinished(() => socket.terminate())
    await within(
      MS,
      `a WebSocket to ${url}`,
      new Promise((resolve, reject) => {
        socket.on("open", resolve)
        socket.on("error", reject)
      }),
    )
    return talk
  }

  /** Sends, and waits for as many messages as there are then. */
  async ask(data: string | Buffer, answers = 1): Promise<string | Buffer> {
    const count = this.messages.length + answers
    this.socket.send(data)
    await this.has(count)
    return this.messages[count - 1] as string | Buffer
  }

  async has(count: number): Promise<void> {
    await eventually(MS, `${count} messages`, () => this.messages.length >= count)
  }

  async end(): Promise<readonly [code: number, reason: string]> {
    return within(MS, "the end of a WebSocket", this.closed)
  }
}

/** A TCP client. */
export class Raw {
  readonly socket: Socket
  text = ""
  bytes = 0
  ended = false
  error = ""
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length
      if (this.text.length < 1_000_000) this.text += chunk.toString("latin1")
    })
    socket.on("end", () => {
      this.ended = true
    })
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
    })
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()))
  }

  static async to(url: string): Promise<Raw> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const raw = new Raw(socket)
    onTestFinished(() => {
      socket.destroy()
    })
    await within(MS, "a connection", new Promise((resolve) => socket.on("connect", resolve)))
    return raw
  }

  send(text: string): this {
    this.socket.write(text, "latin1")
    return this
  }

  /** Resolves when what came has a match. */
  async until(pattern: string | RegExp): Promise<string> {
    const has = () => (typeof pattern === "string" ? this.text.includes(pattern) : pattern.test(this.text))
    await eventually(MS, `${pattern} in ${JSON.stringify(this.text.slice(0, 500))}`, has)
    return this.text
  }

  async untilEnd(): Promise<string> {
    await eventually(
      MS,
      `an end after ${JSON.stringify(this.text.slice(0, 500))}`,
      () => this.ended || this.error !== "",
    )
    return this.text
  }

  async untilClosed(): Promise<void> {
    await within(MS, "a closed connection", this.closed)
  }
}

/** The head of a request for another protocol. */
export function asks(path: string, protocol: string, ...lines: string[]): string {
  const own = ["Host: test", "Connection: Upgrade", `Upgrade: ${protocol}`, ...lines]
  return `GET ${path} HTTP/1.1\r\n${own.join("\r\n")}\r\n\r\n`
}

/** Lines that a WebSocket client sends besides. */
export const HANDSHAKE = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"] as const

/** A frame of a client, with a mask of zeros, which changes nothing. */
export function clientFrame(opcode: number, text: string): string {
  return `${String.fromCharCode(0x80 | opcode, 0x80 | text.length)}\0\0\0\0${text}`
}
