/** A client by `ws`, whose messages are waited for one by one. */
import type { IncomingMessage } from "node:http"
import { type ClientOptions, WebSocket } from "ws"
import { within } from "../support/deadline.ts"

const WAIT_MS = 10_000

export interface Refusal {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export class Client {
  readonly socket: WebSocket
  /** Header lines of the 101. */
  headers: IncomingMessage["headers"] = {}
  /** Code and reason, once it is over. */
  readonly closed: Promise<[number, string]>
  readonly #messages: (string | Buffer)[] = []
  #wake: (() => void) | undefined

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("upgrade", ({ headers }) => {
      this.headers = headers
    })
    socket.on("message", (data: Buffer, isBinary) => {
      this.#messages.push(isBinary ? data : data.toString())
      this.#wake?.()
    })
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve([code, reason.toString()]))
    })
  }

  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Client> {
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, options)
    const client = new Client(socket)
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve())
      socket.once("error", reject)
    })
    await within(WAIT_MS, `the opening of ${url}`, opened)
    return client
  }

  /** What the client is answered instead of 101. */
  static async refused(url: string, protocols: string[] = []): Promise<Refusal> {
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocols)
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      socket.once("unexpected-response", (_request, response) => resolve(response))
      socket.once("open", () => reject(new Error("it was accepted")))
    })
    const response = await within(WAIT_MS, `the refusal of ${url}`, answered)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: Buffer.concat(chunks).toString(),
    }
  }

  send(content: string | Uint8Array): void {
    this.socket.send(content)
  }

  async next(): Promise<string | Buffer> {
    const arrived = (async () => {
      while (this.#messages.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      return this.#messages.shift() as string | Buffer
    })()
    return within(WAIT_MS, "a message", arrived)
  }

  /** The answer to a message. */
  async ask(content: string | Uint8Array): Promise<string | Buffer> {
    this.send(content)
    return this.next()
  }

  async askJson(content: string): Promise<Record<string, unknown>> {
    return JSON.parse(String(await this.ask(content))) as Record<string, unknown>
  }

  /** Ends it, and waits until it has ended. */
  async close(code = 1000, reason = ""): Promise<[number, string]> {
    this.socket.close(code, reason)
    return within(WAIT_MS, "the close", this.closed)
  }

  /** Waits for the end that the other side begins. */
  async end(): Promise<[number, string]> {
    return within(WAIT_MS, "the end", this.closed)
  }
}
