/**
 * UpstreamTunnel: an exchange that the app's server answered with 101: bytes both ways on a connection of its own, each as fast as
 * the other side takes them, each half ending by itself. What is left of the exchange that it was: nothing. Knows one thing of what
 * passes: where frames of a WebSocket end (`frame-borders.ts`), so that the host can say goodbye.
 */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import type { Exchange, ExchangeHandler, GoAwayCode } from "../../../protocol/exchange.ts"
import type { Connection, TunnelUser } from "./connection.ts"
import { closeFrame, FrameBorders } from "./frame-borders.ts"
import type { Verdict } from "./verdict.ts"

/** Bytes of the client asked for at a time. */
const WINDOW_BYTES = 64 * 1024
/** An app and a client that were told to go are waited for so long, each, in milliseconds. */
const GOES_MS = 2000
/** The end of an instance shows on its sockets first: a half that ends is the app's own doing after so long, in milliseconds. */
const END_SHOWS_MS = 50
/** RFC 6455 7.4.1: the server met a condition that it did not expect. */
const CRASHED = 1011

export interface TunnelOwner {
  /** Tells, later, why the connection broke; see UpstreamExchangeOwner. */
  readonly verdict: (() => Promise<Verdict | undefined>) | undefined
  finished(): void
}

/**
 * open: bytes pass · leaving: told to go, its goodbye waits for a border · gone: the goodbye is said, nothing of the app passes any more
 * dismissed: the app is out of it, the client's end is awaited · over
 */
type State = "open" | "leaving" | "gone" | "dismissed" | "over"

export class UpstreamTunnel implements ExchangeHandler, TunnelUser {
  readonly #exchange: Exchange
  readonly #connection: Connection
  readonly #owner: TunnelOwner
  readonly #borders: FrameBorders | null
  #state: State = "open"
  #code = 0
  #owedPull = WINDOW_BYTES
  #pulling = false
  /** The app takes no bytes for now. */
  #appFull = false
  /** The app sends no more, and: the client knows it. */
  #appEnded = false
  #endTold = false
  #clientEnded = false
  #timer: NodeJS.Timeout | undefined

  constructor(exchange: Exchange, connection: Connection, owner: TunnelOwner) {
    this.#exchange = exchange
    this.#connection = connection
    this.#owner = owner
    this.#borders = exchange.head.upgrade === "websocket" ? new FrameBorders() : null
  }

  /** `first`: the app's first bytes, which came with its answer; good during the call only. `more`: the client takes them. */
  start(first: Uint8Array, more: boolean): void {
    this.#exchange.attach(this)
    if (this.#exchange.finished) return this.left()
    if (!more) this.#connection.pause()
    if (first.length > 0) this.tunnelBytes(first)
    this.#pull()
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean): void {
    if (this.#state === "over") return
    const connection = this.#connection
    if (this.#state !== "dismissed" && chunk.length > 0) this.#appFull = !connection.write(chunk)
    if (!end) {
      this.#owedPull += chunk.length
      this.#pull()
      return
    }
    this.#clientEnded = true
    connection.endHalf()
    // The exchange ends with this call.
    if (this.#endTold) this.#finish()
  }

  drained(): void {
    if (this.#state !== "over") this.#connection.resume()
  }

  left(): void {
    if (this.#finish()) this.#connection.destroy()
  }

  goAway(code: GoAwayCode): void {
    if (this.#state !== "open") return
    // Nobody knows how to say it in another protocol.
    if (this.#borders === null || this.#endTold) this.#dismiss()
    else this.#leave(this.#borders, code)
  }

  // Events of the connection

  tunnelBytes(bytes: Uint8Array): void {
    if (this.#state === "open") this.#borders?.pass(bytes)
    else if (this.#state !== "leaving") return
    else {
      const border = this.#borders?.passToBorder(bytes) ?? -1
      if (border !== -1 && this.#borders?.closeSeen !== true) {
        this.#write(bytes.subarray(0, border))
        this.#sayGoodbye()
        return
      }
    }
    this.#write(bytes)
  }

  tunnelEnded(): void {
    if (this.#appEnded) return
    this.#appEnded = true
    if (this.#state !== "open") this.#dismiss()
    else if (this.#borders?.closeSeen === true) this.#endAppHalf()
    else this.#awaitVerdict()
  }

  writable(): void {
    this.#appFull = false
    this.#pull()
  }

  writeFailed(): void {
    // What it sent before is read first.
    if (this.#endTold) this.#dismiss()
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (!this.#finish()) return
    this.#connection.destroy()
    this.#exchange.fail(code, detail)
  }

  end({ code, reason }: Pick<Verdict, "code" | "reason">): void {
    if (this.#state === "dismissed" || this.#state === "over") return
    const borders = this.#borders
    const isSaid = this.#state === "gone" || this.#endTold || borders?.closeSeen === true
    if (!isSaid && borders?.atBorder !== true) return this.fail(code, reason)
    if (!isSaid) this.#exchange.write(closeFrame(this.#state === "leaving" ? this.#code : CRASHED), false)
    this.#dismiss()
  }

  broken(code: string): void {
    // The connection ends by itself when both halves have.
    if (this.#appEnded && !this.#endTold) return
    this.end({ code: "APP_CRASHED", reason: `the app cut its connection (${code})` })
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#exchange.write(this.#connection.own(bytes), false))
      this.#connection.pause()
  }

  /** Asks for as much as went on to the app. The exchange may hand it over within the call: no recursion. */
  #pull(): void {
    if (this.#pulling) return
    this.#pulling = true
    while (this.#owedPull > 0 && !this.#appFull && !this.#clientEnded && this.#state !== "over") {
      const bytes = this.#owedPull
      this.#owedPull = 0
      this.#exchange.pull(bytes)
    }
    this.#pulling = false
  }

  /** Says goodbye as soon as it can be said. The client answers to the app, which then ends: or both had their time. */
  #leave(borders: FrameBorders, code: GoAwayCode): void {
    this.#state = "leaving"
    this.#code = code
    this.#timer = setTimeout(() => this.#dismiss(), GOES_MS).unref()
    // The app is saying it just now.
    if (borders.closeSeen) return
    if (borders.atBorder) this.#sayGoodbye()
    if (this.#appEnded) this.#dismiss()
  }

  #sayGoodbye(): void {
    this.#state = "gone"
    this.#exchange.write(closeFrame(this.#code), false)
    // What the app sends is dropped from now on, and its end must show though the client takes nothing.
    this.#connection.resume()
  }

  /** Its half has ended: by its own doing, or with the instance. */
  async #awaitVerdict(): Promise<void> {
    const shortly = new Promise<undefined>((resolve) =>
      setTimeout(() => resolve(undefined), END_SHOWS_MS).unref(),
    )
    const known = this.#owner.verdict?.()
    const verdict = await (known === undefined ? shortly : Promise.race([known, shortly]))
    if (this.#state !== "open") return
    if (verdict === undefined) this.#endAppHalf()
    else this.end(verdict)
  }

  #endAppHalf(): void {
    this.#tellEnd()
    if (this.#exchange.finished) this.#finish()
    else if (this.#connection.takesNothing) this.#dismiss()
  }

  /** The app is out of it: the client is told, and given a while to end. */
  #dismiss(): void {
    if (this.#state === "dismissed" || this.#state === "over") return
    this.#state = "dismissed"
    this.#connection.destroy()
    this.#tellEnd()
    if (this.#exchange.finished) {
      this.#finish()
      return
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.fail("APP_UNAVAILABLE", "the client does not end"), GOES_MS).unref()
    this.#appFull = false
    this.#pull()
  }

  #tellEnd(): void {
    if (this.#endTold) return
    this.#endTold = true
    this.#exchange.write(NO_BYTES, true)
  }

  /** What was written for the app still goes to it. @returns false when it was over already. */
  #finish(): boolean {
    if (this.#state === "over") return false
    this.#state = "over"
    clearTimeout(this.#timer)
    this.#connection.leave()
    this.#owner.finished()
    return true
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0)
