/** A client that hides nothing: raw header lines, cuts, half a request, one connection kept. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http"
import { connect, type Socket } from "node:net"
import { within } from "./deadline.ts"

/** Longest wait for any answer of a test. */
export const ANSWER_MS = 15_000

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly text: string
  /** The answer was cut: it did not come to its end. */
  readonly cut: boolean
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]> | readonly string[]
  readonly body?: string | Uint8Array
  readonly agent?: Agent
  readonly socketPath?: string
  readonly maxHeaderSize?: number
}

/** One request on a connection of its own, unless an agent is given. Rejects when no head came. */
export async function ask(base: string, { body, ...options }: Ask = {}): Promise<Answer> {
  const response = await within(
    ANSWER_MS,
    `answer to ${options.method ?? "GET"} ${options.path}`,
    open(base, { ...options, ...(body === undefined ? {} : { body }) }),
  )
  return within(ANSWER_MS, `the end of the answer to ${options.path}`, collect(response))
}

/** Sends a request and resolves with the head of its answer. */
export function open(
  base: string,
  { body, path = "/", headers, ...options }: Ask = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(base, {
      path,
      agent: false,
      headers: (headers ?? {}) as Record<string, string>,
      ...options,
    })
    outgoing.once("response", resolve)
    // After the answer an error is a cut, which `collect` sees.
    outgoing.on("error", reject)
    outgoing.end(body)
  })
}

export function collect(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    response.on("data", (chunk: Buffer) => chunks.push(chunk))
    response.on("error", () => undefined)
    response.once("close", () => {
      const body = Buffer.concat(chunks)
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body,
        text: body.toString("utf8"),
        cut: !response.complete,
      })
    })
  })
}

/** A connection on which bytes are written as they are. */
export class RawConnection {
  readonly socket: Socket
  #received = ""
  #closed = false
  #wake: (() => void)[] = []

  constructor(base: string) {
    const url = new URL(base)
    this.socket = connect(Number(url.port), url.hostname.replace(/^\[|\]$/g, ""))
    this.socket.setEncoding("latin1")
    this.socket.on("data", (text: string) => {
      this.#received += text
      this.#changed()
    })
    this.socket.on("error", () => undefined)
    this.socket.on("close", () => {
      this.#closed = true
      this.#changed()
    })
  }

  get received(): string {
    return this.#received
  }

  write(text: string): this {
    this.socket.write(text, "latin1")
    return this
  }

  /** Resolves with what was received once it is enough. */
  async until(enough: RegExp | ((received: string) => boolean), ms = ANSWER_MS): Promise<string> {
    const passes = (): boolean =>
      typeof enough === "function" ? enough(this.#received) : enough.test(this.#received)
    const matched = (async () => {
      while (!passes()) {
        if (this.#closed) throw new Error(`closed before ${enough}: ${JSON.stringify(this.#received)}`)
        await new Promise<void>((resolve) => this.#wake.push(resolve))
      }
      return this.#received
    })()
    return within(ms, `${enough} on a raw connection`, matched)
  }

  /** Resolves with all that was received when the other side has closed. */
  async closed(ms = ANSWER_MS): Promise<string> {
    const closed = (async () => {
      while (!this.#closed) await new Promise<void>((resolve) => this.#wake.push(resolve))
      return this.#received
    })()
    return within(ms, "the end of a raw connection", closed)
  }

  destroy(): void {
    this.socket.destroy()
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Sends bytes and resolves with everything that came back until the other side closed. */
export async function exchangeRaw(base: string, text: string): Promise<string> {
  const connection = new RawConnection(base)
  try {
    return await connection.write(text).closed()
  } finally {
    connection.destroy()
  }
}
