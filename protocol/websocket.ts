/**
 * WebSocket connections of fetch apps: what the host's end of one (RFC 6455, by `ws`: `host/websocket/`) and the stream that carries
 * its messages to the guest (`websocket/host-socket.ts`) know of each other. Types only. Server apps have tunnels instead, and nothing of this.
 */
import type { Exchange } from "./exchange.ts"

/** Ends the WebSocket protocol on exchanges whose `head.upgrade` is `websocket`. One for each app, with its limits. */
export interface WebSocketAcceptor {
  /** What is wrong with the client's handshake (RFC 6455 4.2.1): it is answered 400, or 426 with the version; true when it is right. */
  check(exchange: Exchange): boolean
  /**
   * The app takes the connection: answers 101, and passes messages from then on. `events.closed` is called once, last, also when the
   * client has left meanwhile. @throws PolyhostError APP_RESPONSE_INVALID: a subprotocol that the client did not offer, bad lines.
   */
  accept(exchange: Exchange, answer: WebSocketAnswer, events: WebSocketEvents): WebSocketEnd
}

export interface WebSocketAnswer {
  /** Of those that the client offers (Sec-WebSocket-Protocol), or "". */
  readonly subprotocol: string
  /** Further header lines of the 101, `Name: value\r\n`, Latin-1. Valid during the call only. */
  readonly lines: Uint8Array
}

/** What the client does. */
export interface WebSocketEvents {
  /** A whole message, at most as long as the app allows. The receiver owns `bytes`; text is UTF-8 and checked. */
  message(isText: boolean, bytes: Uint8Array): void
  /** The client takes messages again. */
  drained(): void
  /** Once, last. `code`: as received, 1005 without one, 1006 without a close frame (RFC 6455 7.1.5). */
  closed(code: number, reason: string): void
}

/** What the app does. */
export interface WebSocketEnd {
  /**
   * A message, or a piece of one (a fragment, RFC 6455 5.4) until `end`; pieces of one message come one after the other. So nobody
   * holds a whole one. @returns false when the client takes no more for now: wait for `drained`. The end owns `bytes`.
   */
  send(bytes: Uint8Array, isText: boolean, end: boolean): boolean
  /** Bytes that the client has not taken yet. */
  readonly bufferedBytes: number
  /** Begins the closing handshake; ends the connection without an answer after a while. `code`: one that `mayClose` allows. */
  close(code: number, reason: string): void
  /** Ends it now, without a close frame. */
  destroy(): void
  /** No messages for now: the client's bytes stay where they are. */
  pause(): void
  resume(): void
}
