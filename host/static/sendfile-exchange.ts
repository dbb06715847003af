/**
 * SendfileExchange: the exchange that an instance answers when its app may have files sent in its place. An answer that names one
 * ends for the app there and then, what it still says is dropped, and the file goes to the client; every other answer passes.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type {
  DisconnectReason,
  Exchange,
  ExchangeHandler,
  GoAwayCode,
  RequestHead,
  ResponseHead,
} from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { ExchangeTicket, HostExchange } from "../exchange.ts"
import { ResponseHeads } from "../listener/response-head.ts"
import type { FileCache } from "./file-cache.ts"
import { FileSending, type SendingParts } from "./file-sending.ts"
import { LookUps } from "./look-ups.ts"
import { FileFieldsReader } from "./request-lines.ts"
import { readHandover } from "./sendfile-target.ts"

/** Stands in front of `inner`, which may stand in front of the host's `exchange` itself. */
export type SendfileFilter = (inner: FilteredExchange, exchange: HostExchange) => FilteredExchange
type FilteredExchange = Exchange & Pick<HostExchange, "ticket">

export interface SendfileServices {
  readonly cache: FileCache
  /** The app has done its part: its instance is free though the client still gets the file. */
  readonly released: (exchange: HostExchange) => void
}

export interface Sendfile {
  readonly filter: SendfileFilter
  /** Gives back its memory. Answers under way go on. */
  close(): void
}

/** Null for an app that may not. */
export function createSendfile(spec: AppSpec, services: SendfileServices): Sendfile | null {
  if (spec.sendfile.length === 0) return null
  const parts: Parts = {
    ...services,
    spec,
    lookUps: new LookUps(services.cache),
    heads: new ResponseHeads(),
    reader: new FileFieldsReader(),
  }
  return {
    filter: (inner, exchange) => new SendfileExchange(inner, exchange, parts),
    close: () => parts.lookUps.close(),
  }
}

interface Parts extends SendfileServices, SendingParts {
  readonly heads: ResponseHeads
}

/** What an app may still say after it has handed over, in bytes: then it is told that nobody listens. */
const MOST_DROPPED = 1024 * 1024

class SendfileExchange implements FilteredExchange, ExchangeHandler {
  readonly #inner: FilteredExchange
  readonly #exchange: HostExchange
  readonly #parts: Parts
  /** The app's. */
  #handler: ExchangeHandler | null = null
  /** The file's, once there is one. */
  #sender: ExchangeHandler | null = null
  #handedOver = false
  /** The app has ended its answer, after it handed over. */
  #appEnded = false
  #droppedBytes = 0

  constructor(inner: FilteredExchange, exchange: HostExchange, parts: Parts) {
    this.#inner = inner
    this.#exchange = exchange
    this.#parts = parts
  }

  get head(): RequestHead {
    return this.#inner.head
  }

  get requestId(): string {
    return this.#inner.requestId
  }

  get ticket(): ExchangeTicket {
    return this.#inner.ticket
  }

  get responded(): boolean {
    return this.#handedOver || this.#inner.responded
  }

  get finished(): boolean {
    return this.#appEnded || this.#inner.finished
  }

  get upgraded(): boolean {
    return this.#inner.upgraded
  }

  attach(handler: ExchangeHandler): void {
    this.#handler = handler
    this.#inner.attach(this)
  }

  pull(bytes: number): void {
    if (!this.#appEnded) this.#inner.pull(bytes)
  }

  inform(status: number, lines: Uint8Array): void {
    if (!this.#handedOver) this.#inner.inform(status, lines)
  }

  upgrade(lines: Uint8Array): boolean {
    return this.#inner.upgrade(lines)
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.#handedOver || this.#inner.finished) return true
    const handover = readHandover(head.lines)
    if (handover === null) return this.#inner.respond(head, body, end)
    // What is no HTTP is not made right by what it names.
    const { status, reason } = head
    this.#parts.heads.read({ status, reason, lines: Buffer.from(handover.rest, "latin1") })
    this.#handedOver = true
    const sending = new FileSending(this.#out(), this.#parts, handover)
    void sending.start()
    return this.#dropped(body?.length ?? 0, end)
  }

  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    return this.#handedOver ? this.#dropped(chunk.length, end) : this.#inner.write(chunk, end, trailers)
  }

  /** After the handover the answer is no longer the app's to fail. */
  fail(code: ClientErrorCode, detail: string): void {
    if (this.#handedOver) this.#end()
    else this.#inner.fail(code, detail)
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    if (!this.#appEnded) this.#handler?.requestBody(chunk, end, trailers)
  }

  drained(): void {
    if (this.#handedOver) this.#sender?.drained()
    else this.#handler?.drained()
  }

  left(reason: DisconnectReason): void {
    this.#sender?.left(reason)
    if (!this.#appEnded) this.#handler?.left(reason)
  }

  goAway(code: GoAwayCode): void {
    this.#handler?.goAway?.(code)
  }

  #dropped(bytes: number, end: boolean): boolean {
    this.#droppedBytes += bytes
    if (end) this.#end()
    else if (this.#droppedBytes > MOST_DROPPED) this.#dismiss()
    return true
  }

  #end(): void {
    if (this.#appEnded) return
    this.#appEnded = true
    this.#parts.released(this.#exchange)
  }

  /** The app still says something to nobody. */
  #dismiss(): void {
    if (this.#appEnded) return
    const handler = this.#handler
    this.#end()
    handler?.left("client-left")
  }

  /** The exchange as the file's sender sees it. */
  #out(): Exchange {
    const inner = this.#inner
    const ended = (): void => {
      if (inner.finished) this.#dismiss()
    }
    return {
      head: inner.head,
      requestId: inner.requestId,
      attach: (sender) => {
        this.#sender = sender
        if (inner.finished) sender.left("client-left")
      },
      pull: () => undefined,
      inform: () => undefined,
      upgrade: () => true,
      upgraded: false,
      respond(head, body, end) {
        const more = inner.respond(head, body, end)
        ended()
        return more
      },
      write(chunk, end) {
        const more = inner.write(chunk, end)
        ended()
        return more
      },
      fail(code, detail) {
        inner.fail(code, detail)
        ended()
      },
      get responded() {
        return inner.responded
      },
      get finished() {
        return inner.finished
      },
    }
  }
}
