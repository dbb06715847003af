/**
 * The oracle: llhttp as `node:http` runs it, in strict mode, with what its Server refuses beside that (no Host, another Expect).
 * Reads a stream of requests and tells of each what it means. `_http_common` is the cheapest way to it: no server, no socket.
 */
import { METHODS } from "node:http"
import { createRequire } from "node:module"

/** One request, as either reader understands it. */
export interface ReadRequest {
  method: string
  target: string
  isHttp10: boolean
  keepsAlive: boolean
  /** Names and values in turn. */
  lines: string[]
  body: string
  trailers: string[]
  /** Its end was seen. */
  whole: boolean
}

interface Parser {
  [callback: number]: unknown
  initialize(type: number, resource: object, maxHeaderBytes: number, lenient: number): void
  execute(bytes: Uint8Array): number | (Error & { code: string; reason?: string; bytesParsed: number })
}
interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
  readonly kLenientNone: number
}
const { HTTPParser } = createRequire(import.meta.url)("_http_common") as { HTTPParser: ParserClass }
const MOST_HEAD_BYTES = 1 << 24
const METHOD_NAMES = methodNames()

export class LlhttpOracle {
  requests: ReadRequest[] = []
  /** How many are whole. */
  wholes = 0
  /** Why it refused, or "". */
  error = ""
  readonly #parser = new HTTPParser()
  #lines: string[] = []
  #target = ""

  constructor() {
    const parser = this.#parser
    parser[HTTPParser.kOnHeaders | 0] = (lines: string[], url: string) => {
      this.#lines.push(...lines)
      this.#target += url
    }
    parser[HTTPParser.kOnHeadersComplete | 0] = (
      major: number,
      minor: number,
      lines: string[] | undefined,
      method: number,
      url: string | undefined,
      _status: unknown,
      _message: unknown,
      _upgrade: boolean,
      keepsAlive: boolean,
    ): number => {
      const request: ReadRequest = {
        method: METHOD_NAMES.get(method) ?? "",
        target: url ?? this.#target,
        isHttp10: minor === 0,
        keepsAlive,
        lines: lines ?? this.#lines,
        body: "",
        trailers: [],
        whole: false,
      }
      this.#lines = []
      this.#target = ""
      this.error ||= serverRefusal(request, major)
      if (this.error === "") this.requests.push(request)
      return 0
    }
    parser[HTTPParser.kOnBody | 0] = (piece: Buffer) => {
      const request = this.requests.at(-1)
      if (this.error === "" && request !== undefined)
        request.body += piece.toString("latin1", 0, piece.length)
    }
    parser[HTTPParser.kOnMessageComplete | 0] = () => {
      const request = this.requests.at(-1)
      if (this.error !== "" || request === undefined) return
      request.whole = true
      request.trailers = this.#lines
      this.#lines = []
      this.#target = ""
      this.wholes++
    }
  }

  start(): void {
    this.requests = []
    this.wholes = 0
    this.error = ""
    this.#lines = []
    this.#target = ""
    this.#parser.initialize(HTTPParser.REQUEST, {}, MOST_HEAD_BYTES, HTTPParser.kLenientNone | 0)
  }

  /** The next bytes of the stream. */
  feed(bytes: Buffer): void {
    let rest = bytes
    while (this.error === "" && rest.length > 0) {
      const read = this.#parser.execute(rest)
      if (typeof read !== "number") {
        this.error = `${read.code} ${read.reason ?? ""}`
        return
      }
      // It stops after a request that asks for an upgrade; a server that does not know the protocol goes on.
      rest = rest.subarray(read)
      if (read === 0) this.error = "stuck"
    }
  }
}

/** What `http.Server` adds with its default settings. */
function serverRefusal(request: ReadRequest, major: number): string {
  if (major !== 1) return "another version"
  if (request.method === "CONNECT") return "CONNECT"
  let hasHost = request.isHttp10
  for (let i = 0; i < request.lines.length; i += 2) {
    const name = request.lines[i]!
    if (name.length === 4 && name.toLowerCase() === "host") hasHost = true
    else if (name.length === 6 && name.toLowerCase() === "expect") {
      if (!request.isHttp10 && !/^100-continue$/i.test(request.lines[i + 1]!)) return "Expect"
    }
  }
  return hasHost ? "" : "no Host"
}

/** What the parser's numbers of methods stand for: it is asked, since its list is not to be had. */
function methodNames(): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const name of METHODS) {
    const parser = new HTTPParser()
    parser.initialize(HTTPParser.REQUEST, {}, MOST_HEAD_BYTES, HTTPParser.kLenientNone | 0)
    parser[HTTPParser.kOnHeadersComplete | 0] = (...parts: unknown[]) => {
      names.set(parts[3] as number, name)
      return 0
    }
    parser.execute(Buffer.from(`${name} ${name === "CONNECT" ? "a:1" : "/"} HTTP/1.1\r\nHost: a\r\n\r\n`))
  }
  return names
}
