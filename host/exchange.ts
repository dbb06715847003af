/**
 * What the host adds to an Exchange: who is told of its end, what its app allows, and where the app is mounted.
 * Implementations: `listener/http1/exchange.ts` (a client's connection),
 * `listener/http-exchange.ts` (a message of `node:http`), `embed/fetch-exchange.ts` (a Request in this process).
 */
import type { ClientErrorCode } from "../protocol/errors.ts"
import type { DisconnectReason, Exchange, GoAwayCode } from "../protocol/exchange.ts"
import type { ErrorPages } from "../runtimes/app-spec.ts"
import type { Slot } from "./supervisor/slot.ts"

export interface HostExchange extends Exchange {
  /** Host name without port, lower case, for routing. */
  readonly hostName: string
  /** Path without query, as the client sent it, for routing. */
  readonly path: string
  /** The app is mounted below `prefix`: the target loses it and X-Forwarded-Prefix names it. Before `head` is read. */
  mount(prefix: string): void
  /** Longest request body the app takes, in bytes: more is answered 413 BODY_TOO_LARGE. Before `attach`. */
  limitBody(bytes: number): void
  /** Some of the request's body is still to come. */
  readonly bodyArriving: boolean
  /** Reads the body before anybody is attached: `owner.bodyArrived` is called when it is whole or `bytes` of it are here. */
  readAhead(bytes: number): void
  /** Told once of the head and once of the end. */
  owner: ExchangeOwner | null
  /** Monotonic milliseconds of the last byte either way. */
  readonly lastActivityMs: number
  /** The answer's connection is closed after it. */
  closeAfter(): void
  /** The host gives it up: the handler is told `reason`, the client gets the page of `code` or a cut. */
  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void
  /** An upgraded exchange is to end: see `ExchangeHandler.goAway`. Nothing happens to others. */
  goAway(code: GoAwayCode): void
  /** Places for the owner's own bookkeeping, so that none of it is looked up. */
  ticket: ExchangeTicket
}

export interface ExchangeOwner {
  /** The app's name, for error answers. */
  readonly name: string
  /** Pages of the app for error answers. */
  readonly errorPages: ErrorPages
  /** What a 503 says in Retry-After. */
  retryAfterSeconds(): number
  /** The response head is out, and with it, when `ended`, all of the answer. */
  responded(exchange: HostExchange, ended: boolean): void
  /** Instead of `responded`: it became a tunnel, which may stay open for long and is no request any more. */
  upgraded(exchange: HostExchange): void
  /** The whole body of the request has come, or what was to be read ahead. */
  bodyArrived(exchange: HostExchange): void
  /** Answered, failed, cut or left: nothing more will come. `code` is set when it failed. */
  ended(exchange: HostExchange, code: ClientErrorCode | null, detail: string): void
}

/** Where an exchange stands in its app. */
export interface ExchangeTicket {
  /** The instance's place, once it was given to one. */
  slot: Slot | null
  /** It holds one of the places for requests whose bodies are still coming. */
  uploads: boolean
  /** An instance had it and died of another's fault: it is given to another once. */
  retried: boolean
  /** Calls of apps that lead to it: 0 for a client's. The apps have no part in the count. */
  readonly depth: number
  /** Until when the head of the answer must be out. */
  readonly request: DeadlineEntry
  /** Until when an instance must have taken it, when it had to wait. */
  queue: DeadlineEntry | null
}

/** A place in a list of things that end at the same distance from now. See `supervisor/deadlines.ts`. */
export interface DeadlineEntry {
  atMs: number
  previous: DeadlineEntry | null
  next: DeadlineEntry | null
  exchange: HostExchange | null
}
