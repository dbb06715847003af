/**
 * Http1Connection: reads a client's requests one after the other, gives each to the host as an exchange, and keeps both
 * directions in step: answers in order, what is left of a body read away before the next request, an end that the client
 * can tell. Owns the socket, the bytes that have come, and the deadlines (on the listener's wheel).
 * Longer than 300 lines: its states are one machine.
 */
import type { Socket } from "node:net"
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import { BodyReader } from "./body-reader.ts"
import type { Timed } from "./deadline-wheel.ts"
import { type ExchangeConnection, Http1Exchange } from "./exchange.ts"
import { Clients, type Peer } from "./forwarded.ts"
import { Input } from "./input.ts"
import { Output } from "./output.ts"
import { HeadResult, RequestHeadReader } from "./request-head.ts"
import { reset } from "./reset.ts"
import type { ListenerServices } from "./services.ts"
import { passingTrailers } from "./trailers.ts"

/** So many bytes of requests ahead of their turn, and the client has to wait. */
const MOST_PIPELINED_BYTES = 64 * 1024
/** A client that ended its half is given so long to get an answer that is nearly there, in milliseconds. */
const HALF_CLOSED_MS = 50
/** After the last answer the client's bytes are read and dropped for so long: a reset would take the answer away. */
const LINGER_MS = 2000
/** A request with a body in chunks is held back for so long until its first chunk begins, in milliseconds. */
const HELD_MS = 50
/** What is left of a body after its answer is read away for so long at most, in milliseconds. */
const LONGEST_DRAIN_MS = 30_000

/**
 * idle: between requests · head: part of a head is here · exchange: a request is being answered
 * draining: answered, the rest of its body is read and dropped · tunnel: the request was answered with another protocol
 * closing: nothing more is answered · closed
 */
type State = "idle" | "head" | "exchange" | "draining" | "tunnel" | "closing" | "closed"

export class Http1Connection implements ExchangeConnection, Timed {
  deadline = Number.POSITIVE_INFINITY
  due = 0
  readonly peer: Peer
  readonly socket: Socket
  readonly #services: ListenerServices
  readonly #closed: (connection: Http1Connection) => void
  readonly #reader: RequestHeadReader
  readonly #clients: Clients
  readonly #body: BodyReader
  readonly #input = new Input()
  readonly output: Output
  #state: State = "idle"
  #exchange: Http1Exchange | null = null
  #advancing = false
  /** The request was not given to the host yet: the first line of its body is awaited. */
  #isHeld = false
  /** The head that is being read did not come whole: its deadline runs. */
  #isHeadTimed = false
  /** The listener closes: the next answer is the last. */
  #isLast = false
  /** The client sends nothing more. */
  #ended = false
  /** The tunnel's handler knows that. */
  #isEndTold = false
  /** The exchange that a client which has ended its half still waits for. */
  #awaited: Http1Exchange | null = null

  constructor(socket: Socket, peer: Peer, services: ListenerServices, closed: (it: Http1Connection) => void) {
    this.socket = socket
    this.peer = peer
    this.#services = services
    this.#closed = closed
    this.#clients = new Clients(peer, services.settings)
    this.#reader = new RequestHeadReader(services.settings, this.#clients.trusted)
    this.#body = new BodyReader(services.settings.headerBytes)
    this.output = new Output(socket, services.settings.sendMs, services.wheel)
    services.wheel.add(this)
    // The first request is awaited as long as its head may take; later ones as long as a connection may stay idle.
    services.wheel.set(this, services.settings.headersMs)
    socket.on("end", () => this.#clientEnded())
    socket.on("drain", () => this.#drained())
    socket.on("error", () => socket.destroy())
    socket.on("close", () => this.#socketClosed())
  }

  get isIdle(): boolean {
    return this.#state === "idle"
  }

  get #isOpen(): boolean {
    return this.#state !== "closing" && this.#state !== "closed"
  }

  /** Answers what is being answered, then closes. A request that has come in part has not come. A tunnel is its app's to end. */
  closeSoon(): void {
    this.#isLast = true
    if (this.#state === "tunnel") return
    if (this.#state === "exchange") this.#exchange?.closeAfter()
    else if (this.#isOpen) this.#close()
  }

  answered(keepsAlive: boolean): void {
    this.#exchange = null
    if (this.#state !== "exchange") return
    const { keepAliveMs, bodyMs } = this.#services.settings
    if (!keepsAlive || this.#isLast) this.#close()
    else if (this.#body.ended) this.#enter("idle", keepAliveMs)
    else this.#enter("draining", Math.min(bodyMs, LONGEST_DRAIN_MS))
    this.readOn()
  }

  cut(isDelimitedByClose: boolean): void {
    this.#exchange = null
    // The end of such a body is that of its connection: only a reset shows that it is not the body's.
    if (isDelimitedByClose) reset(this.socket)
    else this.socket.destroy()
  }

  tunnel(): void {
    // Whatever HTTP waits for has come. Thousands of tunnels keep nothing of their requests.
    this.#enter("tunnel", Number.POSITIVE_INFINITY)
    this.#reader.release()
    this.#input.dropHead()
  }

  endHalf(): void {
    this.output.end(() => {
      if (this.#state === "closing") this.#services.wheel.set(this, LINGER_MS)
    })
  }

  tunnelEnded(): void {
    this.#exchange = null
    this.#enter("closing", this.socket.writableFinished ? LINGER_MS : Number.POSITIVE_INFINITY)
    this.#input.clear()
    this.#flow()
  }

  /** A deadline has passed. */
  expired(): void {
    switch (this.#state) {
      case "head":
        if (this.#reader.isBlank) this.#close()
        else this.#refuse("REQUEST_INCOMPLETE", "its head did not come in time")
        return
      case "exchange":
        this.#exchange?.giveUp("REQUEST_INCOMPLETE", "its body did not come in time", "timeout")
        return
      case "idle":
        this.#close()
        return
      default:
        this.socket.destroy()
    }
  }

  /** Bytes of the client; they are good during the call only. */
  received(bytes: Buffer): void {
    if (!this.#isOpen) return
    this.#moved(this.#input.add(bytes))
    this.readOn()
    this.#moved(this.#input.keep())
  }

  /** Only a head is read again from where it began. */
  #moved(by: number): void {
    if (this.#state === "head") this.#reader.shift(by)
  }

  #clientEnded(): void {
    this.#ended = true
    this.readOn()
  }

  /** What has come was read as far as it may be, and no more will come. */
  #readAll(): void {
    if (this.#state === "exchange") {
      // A request that was cut is none; what an app has not asked for yet may be all of its body.
      if (!this.#body.ended && this.#input.waiting === 0) this.socket.destroy()
      else this.#awaitAnswer()
    } else if (this.#state === "tunnel") {
      if (this.#input.waiting === 0 && !this.#isEndTold) {
        this.#isEndTold = true
        this.#exchange?.tunnelBytes(NO_BYTES, true)
      }
    } else if (this.#isOpen && (this.#state !== "idle" || this.#input.waiting === 0)) this.#close()
  }

  /** The client ended one half of the connection or all of it. An app that is still busy then hears of it within 100 ms. */
  #awaitAnswer(): void {
    const exchange = this.#exchange
    if (exchange === this.#awaited) return
    this.#awaited = exchange
    setTimeout(() => {
      if (exchange === this.#exchange && this.#state === "exchange") this.socket.destroy()
    }, HALF_CLOSED_MS).unref()
  }

  #drained(): void {
    this.output.drained()
    this.#exchange?.drained()
    if (this.#state === "idle") this.readOn()
  }

  #socketClosed(): void {
    this.#state = "closed"
    this.#services.wheel.remove(this)
    this.output.closed()
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.left()
    this.#closed(this)
  }

  // Reading

  /** Reads on in what has come, as far as requests and the readers of their bodies allow. */
  readOn(): void {
    // Answers that come at once call it from within.
    if (this.#advancing) return
    this.#advancing = true
    while (this.#step());
    this.#advancing = false
    if (this.#ended) this.#readAll()
    this.#flow()
  }

  /** @returns true when there may be more to do. */
  #step(): boolean {
    switch (this.#state) {
      case "idle":
        if (this.#input.waiting === 0) {
          this.#release()
          return false
        }
        // Who takes no answers gets no more of them: they would pile up here.
        if (this.output.isFull) return false
        this.#reader.start(this.#input.at)
        this.#isHeadTimed = false
        this.#state = "head"
        return true
      case "head":
        return this.#readHead()
      case "exchange":
      case "draining":
        return this.#readBody()
      case "tunnel":
        return this.#readTunnel()
      default:
        return false
    }
  }

  /** It may stay idle for long: whatever its last request took, thousands like it must not keep that. */
  #release(): void {
    this.#input.clear()
    this.#body.start(0)
    this.#reader.release()
  }

  #readHead(): boolean {
    const reader = this.#reader
    const result = reader.read(this.#input.bytes, this.#input.end)
    if (result === HeadResult.refused) {
      this.#refuse(reader.refusal, reader.detail)
      return false
    }
    if (result === HeadResult.incomplete) {
      // Most heads come whole and need no deadline. More bytes do not move it.
      if (!this.#isHeadTimed) this.#services.wheel.set(this, this.#services.settings.headersMs)
      this.#isHeadTimed = true
      return false
    }
    reader.shift(-this.#input.at)
    const bytes = this.#input.takeHead(reader.headEnd)
    this.#body.start(reader.fields.bodyBytes)
    this.#enter("exchange", Number.POSITIVE_INFINITY)
    const exchange = new Http1Exchange(this, this.#services, {
      reader,
      bytes,
      client: this.#clients.of(reader),
    })
    this.#exchange = exchange
    if (this.#isLast) exchange.closeAfter()
    // A body in chunks shows by its first line whether it is one: no app is asked before, but for clients that wait for the app.
    this.#isHeld = exchange.head.bodyBytes === -1 && !exchange.head.expectsContinue
    if (!this.#isHeld) this.#services.handle(exchange)
    else if (!this.#readHeld(exchange)) this.#holdShortly(exchange)
    return true
  }

  /** A client may send the head, and its first chunk only when it has something to say. */
  #holdShortly(exchange: Http1Exchange): void {
    setTimeout(() => {
      if (this.#isHeld && exchange === this.#exchange) this.#letGo(exchange)
      this.readOn()
    }, HELD_MS).unref()
  }

  #letGo(exchange: Http1Exchange): void {
    this.#isHeld = false
    this.#services.handle(exchange)
  }

  /** @returns whether there is more to read now. */
  #readHeld(exchange: Http1Exchange): boolean {
    const { bytes, at, end } = this.#input
    const ahead = this.#body.look(bytes, at, end)
    if (ahead.error === "" && !ahead.begun) return false
    if (ahead.error === "") this.#letGo(exchange)
    else this.#malformedBody(exchange, ahead)
    return true
  }

  #readBody(): boolean {
    const body = this.#body
    const exchange = this.#exchange
    if (body.ended || this.#input.waiting === 0) return false
    if (this.#isHeld && exchange !== null) return this.#readHeld(exchange)
    if (exchange === null) this.#input.dropBody(body)
    else if (exchange.pullBytes > 0) {
      const piece = this.#input.takeBody(body, exchange.pullBytes)
      this.#services.wheel.set(this, Number.POSITIVE_INFINITY)
      if (body.error === "" && (piece.length > 0 || body.ended))
        exchange.requestBody(piece, body.ended, passingTrailers(body.trailers))
    } else return false
    if (body.error !== "") this.#malformedBody(exchange, body)
    else if (exchange === null && body.ended) this.#enter("idle", this.#services.settings.keepAliveMs)
    return body.error === ""
  }

  #readTunnel(): boolean {
    const exchange = this.#exchange
    if (exchange === null || exchange.pullBytes <= 0 || this.#input.waiting === 0) return false
    exchange.tunnelBytes(this.#input.take(exchange.pullBytes), false)
    return true
  }

  #malformedBody(
    exchange: Http1Exchange | null,
    { error, trailersTooLong }: { error: string; trailersTooLong: boolean },
  ): void {
    if (exchange === null) {
      this.#close()
      return
    }
    const code = trailersTooLong ? "HEADERS_TOO_LARGE" : "BAD_REQUEST"
    exchange.closeAfter()
    if (this.#isHeld) this.#log(exchange.requestId, code, error)
    this.#isHeld = false
    exchange.giveUp(code, error, "client-left")
  }

  /** Lets the client send, or not: a body that nobody reads yet, or many requests ahead of their turn. */
  #flow(): void {
    const waiting = this.#input.waiting
    const isAwaited = this.#state === "exchange" && !this.#body.ended && !this.#isHeld
    const isFull =
      waiting >= (isAwaited || this.#state === "tunnel" ? 1 : MOST_PIPELINED_BYTES) &&
      (this.#state === "exchange" || this.#state === "idle" || this.#state === "tunnel")
    if (isAwaited) this.#timeBody()
    if (isFull === this.socket.isPaused()) return
    if (isFull) this.socket.pause()
    else this.socket.resume()
  }

  /** A silence counts while somebody waits for more of the body, and the client knows it. */
  #timeBody(): void {
    const isTimed = this.deadline !== Number.POSITIVE_INFINITY
    const isAwaited = this.#exchange?.awaitsBody === true
    if (isTimed !== isAwaited)
      this.#services.wheel.set(this, isAwaited ? this.#services.settings.bodyMs : Number.POSITIVE_INFINITY)
  }

  // Ends

  #enter(state: State, ms: number): void {
    this.#state = state
    this.#services.wheel.set(this, ms)
  }

  /** Answers what is no request, and reads no more. */
  #refuse(code: ClientErrorCode, detail: string): void {
    const requestId = this.#services.ids.next()
    const accept = this.#reader.acceptOf(this.#input.bytes)
    const { head, body } = this.#services.errorPage(code, {
      app: null,
      requestId,
      accept,
      retryAfterSeconds: null,
    })
    this.output.text(`${head}Connection: close\r\n\r\n${this.#reader.method === "HEAD" ? "" : body}`)
    this.#log(requestId, code, detail)
    this.#close()
  }

  /** What no app was asked stands in the log all the same. */
  #log(requestId: string, code: ClientErrorCode, detail: string): void {
    this.#services.refused({ requestId, code, detail, clientAddress: this.peer.address })
  }

  /** Sends what is written, then ends: the client's bytes are dropped until it has seen that, or a while has passed. */
  #close(): void {
    this.#enter("closing", Number.POSITIVE_INFINITY)
    this.#input.clear()
    this.output.end(() => this.#services.wheel.set(this, LINGER_MS))
    this.#flow()
  }
}

const NO_BYTES = Buffer.alloc(0)
