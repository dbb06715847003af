/**
 * An HTTP/1.1 client for the suite: writes requests byte by byte, and reads answers by the letter of RFC 9112. It refuses what
 * a lenient client would mend: bare LF, odd status lines, two lengths, a body where none may be, a chunk that is none.
 */
import { CutError, RawSocket } from "./raw-socket.ts"

export type Field = readonly [name: string, value: string]

export interface RawHead {
  readonly version: "1.0" | "1.1"
  readonly status: number
  readonly reason: string
  readonly fields: readonly Field[]
}

export class RawResponse implements RawHead {
  readonly version: "1.0" | "1.1"
  readonly status: number
  readonly reason: string
  readonly fields: readonly Field[]
  /** Interim answers that came before it. */
  readonly interim: readonly RawHead[]
  framing: "none" | "length" | "chunked" | "close" = "none"
  body: Buffer = Buffer.alloc(0)
  trailers: readonly Field[] = []
  /** The end of the connection came before the end of the body. */
  cut = false

  constructor(head: RawHead, interim: readonly RawHead[]) {
    this.version = head.version
    this.status = head.status
    this.reason = head.reason
    this.fields = head.fields
    this.interim = interim
  }

  get text(): string {
    return this.body.toString("utf8")
  }

  json(): any {
    return JSON.parse(this.text)
  }

  /** All values of a field, in order. */
  all(name: string): string[] {
    return this.fields.filter(([it]) => it.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  }

  /** The value of a field that may stand once; undefined when absent. */
  one(name: string): string | undefined {
    const all = this.all(name)
    if (all.length > 1) throw new Error(`${name} stands ${all.length} times`)
    return all[0]
  }

  /** Whether the connection ends after it. */
  get closes(): boolean {
    const connection = this.all("connection")
      .join(",")
      .toLowerCase()
      .split(/\s*,\s*/)
    if (this.framing === "close" || connection.includes("close")) return true
    return this.version === "1.0" && !connection.includes("keep-alive")
  }
}

export interface ReadOptions {
  /** Method of the request that is answered. */
  readonly method?: string
  /** Version that the request was sent with. */
  readonly version?: "1.0" | "1.1"
  /** Sees each piece of the body, which is then not kept. */
  readonly onBytes?: (bytes: Buffer) => void | Promise<void>
}

/** More than the longest body of the suite. */
const MAX_LENGTH = 2 ** 40
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export class RawClient extends RawSocket {
  /** The next answer to its end, with the interim ones before it. A body that is cut is no error: `cut` says so. */
  async response(options: ReadOptions = {}): Promise<RawResponse> {
    const response = await this.head()
    await this.body(response, options)
    return response
  }

  /** Up to the end of the next final head. */
  async head(): Promise<RawResponse> {
    const interim: RawHead[] = []
    while (true) {
      const head = await this.oneHead()
      if (head.status >= 200) return new RawResponse(head, interim)
      if (head.fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name)))
        throw new Error(`a body's length in a ${head.status}`)
      interim.push(head)
    }
  }

  /** The next head, interim or not. */
  async oneHead(): Promise<RawHead> {
    const line = await this.line()
    const match = /^HTTP\/(1\.[01]) ([1-5]\d\d) (.*)$/.exec(line)
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(line)}`)
    const [, version, status, reason] = match
    return {
      version: version as "1.0" | "1.1",
      status: Number(status),
      reason: reason as string,
      fields: await this.#fields(),
    }
  }

  /** The body that belongs to a head. */
  async body(response: RawResponse, options: ReadOptions = {}): Promise<void> {
    const parts: Buffer[] = []
    const take = options.onBytes ?? ((bytes: Buffer) => void parts.push(bytes))
    const { method = "GET", version = "1.1" } = options
    const coding = response.one("transfer-encoding")
    const length = response.one("content-length")
    if (coding !== undefined && length !== undefined) throw new Error("a length and a transfer coding")
    if (coding !== undefined && coding !== "chunked") throw new Error(`transfer coding ${coding}`)
    if (coding !== undefined && (version === "1.0" || response.version === "1.0"))
      throw new Error("chunked on HTTP/1.0")
    if (length !== undefined && !/^\d+$/.test(length)) throw new Error(`content-length ${length}`)
    const { status } = response
    if (status === 204 && (coding ?? length) !== undefined) throw new Error("a body's length in a 204")
    try {
      if (method === "HEAD" || status === 204 || status === 304) response.framing = "none"
      else if (coding !== undefined) {
        response.framing = "chunked"
        await this.#chunked(response, take)
      } else if (length !== undefined) {
        response.framing = "length"
        await this.#exactly(Number(length), take)
      } else {
        response.framing = "close"
        await this.#untilEnd(take)
      }
    } catch (error) {
      if (!(error instanceof CutError)) throw error
      response.cut = true
    }
    response.body = Buffer.concat(parts)
  }

  /** One chunk of a chunked body that is read by hand; null is the last, its trailers are read too. */
  async chunk(): Promise<Buffer | null> {
    const line = await this.line()
    if (!/^[0-9A-Fa-f]+$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
    const bytes = Number.parseInt(line, 16)
    if (bytes === 0) {
      await this.#fields()
      return null
    }
    const data = await this.exactly(bytes)
    if ((await this.line()) !== "") throw new Error("a chunk that is longer than its size")
    return data
  }

  async #chunked(response: RawResponse, take: (bytes: Buffer) => void | Promise<void>): Promise<void> {
    while (true) {
      const line = await this.line()
      if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
      const bytes = Number.parseInt(line, 16)
      if (bytes === 0) {
        response.trailers = await this.#fields()
        return
      }
      await this.#exactly(bytes, take)
      if ((await this.line()) !== "") throw new Error("a chunk that is longer than its size")
    }
  }

  async #exactly(bytes: number, take: (bytes: Buffer) => void | Promise<void>): Promise<void> {
    if (bytes > MAX_LENGTH) throw new Error(`a body of ${bytes} bytes`)
    let missing = bytes
    while (missing > 0) {
      const part = await this.some(missing)
      if (part.length === 0) throw new CutError(`the connection ended ${missing} bytes short`)
      missing -= part.length
      await take(part)
    }
  }

  async #untilEnd(take: (bytes: Buffer) => void | Promise<void>): Promise<void> {
    while (true) {
      const part = await this.some(64 * 1024)
      if (part.length === 0) return
      await take(part)
    }
  }

  async #fields(): Promise<Field[]> {
    const fields: Field[] = []
    while (true) {
      const line = await this.line()
      if (line === "") return fields
      const colon = line.indexOf(":")
      const name = line.slice(0, colon)
      if (colon < 1 || !TOKEN.test(name)) throw new Error(`not a field line: ${JSON.stringify(line)}`)
      fields.push([name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")])
    }
  }
}
