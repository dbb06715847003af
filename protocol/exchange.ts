/**
 * Exchange: one request and the answer to it, as the host sees them: a small record plus a block of header bytes.
 * A listener makes exchanges; an instance answers them. Neither knows the other. Header names and values are never
 * made into strings on this path (DESIGN 5, "heads travel as bytes").
 */
import type { ClientErrorCode } from "./errors.ts"

export interface RequestHead {
  readonly method: string
  /** Request target as the app shall see it: origin form (`/path?query`), or `*` for OPTIONS. */
  readonly target: string
  readonly scheme: "http" | "https"
  /** Authority as the client sent it (`Host`), checked by the listener: `example.com:8080`. */
  readonly host: string
  /** Address of the client without its port: `127.0.0.1`, `::1`, or `unix` on a unix socket. */
  readonly clientAddress: string
  /** Length of the header block in bytes. */
  readonly headerBytes: number
  /**
   * Writes the header block into `into` at `at`, and returns the position after it: lines `Name: value\r\n`, Latin-1, in
   * the client's order; hop-by-hop lines dropped, forwarded lines added.
   */
  writeHeaders(into: Uint8Array, at: number): number
  /** Bytes of the body: 0 none, -1 unknown until it ends (chunked). */
  readonly bodyBytes: number
  /** The client sends the body when it was informed with 100 (`Expect: 100-continue`, RFC 9110 10.1.1), or some time later. */
  readonly expectsContinue: boolean
  /**
   * The protocol that the client asks for by Upgrade (RFC 9110 7.8), lower case: `websocket`. "" where it asks for none that may be
   * had: no Upgrade named in Connection, HTTP/1.0 or HTTP/2, a request with a body, `h2c`.
   */
  readonly upgrade: string
}

export interface ResponseHead {
  readonly status: number
  /** Reason phrase, Latin-1; "": the usual one of the status. */
  readonly reason: string
  /** Header lines `Name: value\r\n`, Latin-1. Valid during the call only. */
  readonly lines: Uint8Array
  /** The app's own server sends the body in chunks: a client of HTTP/1.1 gets it so too, though its length be known. */
  readonly isChunked?: boolean
}

export interface Exchange {
  readonly head: RequestHead
  /** Id of the request: in logs, in error answers and in the `X-Request-Id` header. */
  readonly requestId: string

  /** Installs who receives the request body and the client's events. At most one at a time; after `upgrade` another may take over. */
  attach(handler: ExchangeHandler): void
  /** Lets up to `bytes` more of the request body through to the handler. Nothing arrives without it. */
  pull(bytes: number): void

  /** An informational answer (100 to 199, not 101) before the answer. Clients of HTTP/1.0 do not get it. */
  inform(status: number, lines: Uint8Array): void
  /**
   * Response head with the first bytes of the body. `head` is valid during the call only; the exchange owns `body` from now on.
   * @returns false when the client takes no more for now: wait for `handler.drained()`.
   * @throws PolyhostError APP_RESPONSE_INVALID when the head is not valid HTTP; the exchange then still waits for an answer.
   */
  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean
  /**
   * More of the response body; the exchange owns `chunk` from now on. `trailers`, with the end, are header lines (valid during
   * the call) that go out where HTTP has a place for them. Return value as in `respond`.
   */
  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean
  /**
   * Answers 101 (RFC 9110 15.2.2) to a request with `head.upgrade`: the exchange becomes a tunnel. From now on the bytes of the client
   * come by `requestBody`, as `pull` lets them, and those of `write` go to it as they are; `end` ends that side's half alone, and the
   * exchange is finished when both have ended. `lines` are the answer's header lines without Connection and Upgrade, valid during the
   * call. Return value as in `respond`.
   * @throws PolyhostError APP_RESPONSE_INVALID when the lines are not valid HTTP, or the request asked for no other protocol.
   */
  upgrade(lines: Uint8Array): boolean
  /** True from `upgrade` on. */
  readonly upgraded: boolean
  /** Ends without a proper answer: the error page of `code` when no head was sent, else a detectable cut. */
  fail(code: ClientErrorCode, detail: string): void
  /** True when the response head is out. */
  readonly responded: boolean
  /** True when the answer ended, failed or was cut, or the client left. */
  readonly finished: boolean
}

/** Who answers an exchange. Every call may come at any time after `attach`, none after `left` or a finished answer. */
export interface ExchangeHandler {
  /** A piece of the request body; the handler owns `chunk`, which may be empty when `end` is true. `trailers`: header lines after a chunked body. */
  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void
  /** The client takes response bytes again. */
  drained(): void
  /** The exchange is over before its answer ended: the client left or the host gave up. Stop working on it. */
  left(reason: DisconnectReason): void
  /**
   * Of an upgraded exchange: the host is to end it politely, in whatever protocol it speaks by now (WebSocket: a close frame with
   * `code`, RFC 6455 7.4.1). The handler then ends the exchange; the host cuts it when that takes too long.
   */
  goAway?(code: GoAwayCode): void
}

/** 1001: the app or the host stops; 1012: the app is replaced, come again. */
export type GoAwayCode = 1001 | 1012

/**
 * Gives an exchange back to who had it served: the instance has no more to do with it. `delivered` is set when the
 * instance may have begun with it: another may answer it instead, once; else it fails with that.
 */
export type Untaken = (delivered?: { readonly code: ClientErrorCode; readonly detail: string }) => void

export type DisconnectReason = "client-left" | "timeout" | "host-stopping"
