/** RequestRecord: the head of a request as the app gets it. Owns no bytes: what it writes lies where the connection read it. */
import { writeLatin1 } from "../../../protocol/bytes.ts"
import type { RequestHead } from "../../../protocol/exchange.ts"
import { CR, LF } from "../../../protocol/http1/syntax.ts"
import type { Client } from "./forwarded.ts"
import type { RequestHeadReader } from "./request-head.ts"

export class RequestRecord implements RequestHead {
  readonly method: string
  target: string
  readonly path: string
  readonly bodyBytes: number
  readonly expectsContinue: boolean
  readonly upgrade: string
  readonly isHttp10: boolean
  readonly #reader: RequestHeadReader
  #bytes: Buffer
  readonly #client: Client
  readonly #requestId: string
  /** Stands before the client's lines when none of them says it. */
  #hostLine = ""
  /** Stands after them. */
  #prefixLine = ""

  /** `reader` has read the head from `bytes`, and reads no other before this request is answered. */
  constructor(reader: RequestHeadReader, bytes: Buffer, client: Client, requestId: string) {
    this.#reader = reader
    this.#bytes = bytes
    this.#client = client
    this.#requestId = requestId
    this.method = reader.method
    this.target = reader.target
    this.isHttp10 = reader.isHttp10
    const query = reader.target.indexOf("?")
    this.path = query === -1 ? reader.target : reader.target.slice(0, query)
    this.bodyBytes = reader.fields.bodyBytes
    this.expectsContinue = reader.fields.expectsContinue
    this.upgrade = reader.fields.upgrade
    if (reader.hostReplaced || reader.authority.text === "") this.#hostLine = `Host: ${this.host}\r\n`
  }

  get scheme(): "http" | "https" {
    return this.#client.scheme
  }

  get host(): string {
    return this.#client.authority.text
  }

  /** For routing: lower case, without port. */
  get hostName(): string {
    return this.#client.authority.name
  }

  get clientAddress(): string {
    return this.#client.address
  }

  /** Value of the Accept header, or "". */
  get accept(): string {
    return this.#reader.acceptOf(this.#bytes)
  }

  get headerBytes(): number {
    const { block } = this.#reader
    const ownBytes = this.#hostLine.length + this.#prefixLine.length + this.#requestId.length + 2
    return ownBytes + block.byteLength + this.#client.lines.length
  }

  writeHeaders(into: Uint8Array, start: number): number {
    let at = this.#hostLine === "" ? start : writeLatin1(into, start, this.#hostLine)
    at = this.#reader.block.write(this.#bytes, into, at)
    if (this.#prefixLine !== "") at = writeLatin1(into, at, this.#prefixLine)
    into.set(this.#client.lines, at)
    at = writeLatin1(into, at + this.#client.lines.length, this.#requestId)
    into[at] = CR
    into[at + 1] = LF
    return at + 2
  }

  /** Nobody reads its header lines any more: it may last for long. */
  release(): void {
    this.#bytes = NO_BYTES
  }

  /** The target loses `prefix`, and a line says so. */
  mount(prefix: string): void {
    this.#prefixLine = `X-Forwarded-Prefix: ${prefix}\r\n`
    const rest = this.target.slice(prefix.length)
    this.target = rest.startsWith("/") ? rest : `/${rest}`
  }
}

const NO_BYTES = Buffer.alloc(0)
