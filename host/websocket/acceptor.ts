/**
 * WebSocketAcceptor by `ws`: the host's end of the WebSocket connections of a fetch app. Owns the settings of `ws` and the opening
 * handshake; one connection is `socket-end.ts`, the time of all of them `watch.ts`. What the guest has of it: `protocol/websocket/`.
 */
import type { IncomingMessage } from "node:http"
import { type PerMessageDeflateOptions, type ServerOptions, WebSocketServer } from "ws"
import { PolyhostError } from "../../protocol/errors.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type {
  WebSocketAcceptor,
  WebSocketAnswer,
  WebSocketEnd,
  WebSocketEvents,
} from "../../protocol/websocket.ts"
import type { WebSocketLimits } from "../../runtimes/app-spec.ts"
import { ExchangeStream } from "./exchange-stream.ts"
import { answerLines, type Handshake, handshakeProblem, readHandshake, refuse } from "./handshake.ts"
import { AcceptedSocket, closedEnd, SocketEnd } from "./socket-end.ts"
import { SocketWatch } from "./watch.ts"

/** Longest time that a closing handshake may take, in milliseconds: less than `timeouts.drain` mostly is. */
const CLOSING_MS = 5000
/** Pieces of one message (RFC 6455 5.4): 4 MiB in frames of 64 bytes are no more, and an empty piece costs memory too. */
const MOST_FRAGMENTS = 65_536
/** `ws` keeps its limit in 32 bits. */
const MOST_MESSAGE_BYTES = 2 ** 31 - 1

/**
 * Nothing is kept between messages: a window for each of thousands of connections would be most of the host's memory. A message that
 * is shorter than 1 KiB is not worth it.
 */
const DEFLATE: PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 1024,
  concurrencyLimit: 4,
  zlibDeflateOptions: { level: 3, memLevel: 7 },
}

export function createWebSocketAcceptor(limits: WebSocketLimits): WebSocketAcceptor {
  const server = createServer(limits)
  const watch = new SocketWatch(limits)
  return {
    check(exchange) {
      const problem = handshakeProblem(exchange)
      if (problem !== null) refuse(exchange, problem)
      return problem === null
    },
    accept(exchange, answer, events) {
      if (exchange.finished) return closedEnd(events)
      return open(server, watch, { exchange, answer, events })
    },
  }
}

interface Opening {
  readonly exchange: Exchange
  readonly answer: WebSocketAnswer
  readonly events: WebSocketEvents
}

type Server = ReturnType<typeof createServer>

function open(server: Server, watch: SocketWatch, opening: Opening): WebSocketEnd {
  const { exchange, answer, events } = opening
  const handshake = readHandshake(exchange)
  const { subprotocol } = answer
  if (subprotocol !== "" && !handshake.protocols.includes(subprotocol))
    throw new PolyhostError(
      "APP_RESPONSE_INVALID",
      "the app chose a WebSocket subprotocol that the client does not offer",
    )
  const stream = new ExchangeStream(exchange)
  let accepted: AcceptedSocket | null = null
  server.handleUpgrade(requestOf(handshake, subprotocol), stream, EMPTY, (socket) => {
    accepted = socket
  })
  const socket = accepted as AcceptedSocket | null
  if (socket === null) {
    // What `ws` has against it is in its offer of extensions, which nobody else reads.
    refuse(exchange, { status: 400, detail: "Sec-WebSocket-Extensions is malformed" })
    stream.forget()
    return closedEnd(events)
  }
  try {
    exchange.upgrade(answerLines(stream.takeAnswer(), answer.lines))
  } catch (error) {
    stream.forget()
    throw error
  }
  return new SocketEnd(socket, stream, { events, watch })
}

function createServer(limits: WebSocketLimits) {
  // Newer than the types: closeTimeout.
  const options: ServerOptions<typeof AcceptedSocket> & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    WebSocket: AcceptedSocket,
    maxPayload: Math.min(limits.messageBytes, MOST_MESSAGE_BYTES),
    maxFragments: MOST_FRAGMENTS,
    perMessageDeflate: limits.compression ? DEFLATE : false,
    skipUTF8Validation: false,
    closeTimeout: CLOSING_MS,
    handleProtocols: (_offered, request) => chosen(request),
  }
  return new WebSocketServer<typeof AcceptedSocket>(options)
}

/** Of a request `ws` reads the method and the header fields; the subprotocol is the app's choice. */
interface OpeningRequest {
  readonly method: "GET"
  readonly headers: Handshake["fields"]
  readonly subprotocol: string
}

function requestOf({ fields }: Handshake, subprotocol: string): IncomingMessage {
  const request: OpeningRequest = { method: "GET", headers: fields, subprotocol }
  return request as unknown as IncomingMessage
}

function chosen(request: IncomingMessage): string | false {
  const { subprotocol } = request as unknown as OpeningRequest
  return subprotocol === "" ? false : subprotocol
}

const EMPTY = Buffer.alloc(0)
