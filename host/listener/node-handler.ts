/**
 * Exchanges of the messages of `node:http`, for programs that mount a host in a server of their own (`Host.handler`). What a head
 * means is told by the one reader of heads: a message is written down again for it.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ErrorPages } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import type { StreamedBytes } from "../streamed-bytes.ts"
import { errorAnswer } from "./error-page.ts"
import { HttpExchange } from "./http-exchange.ts"
import type { HttpSettings } from "./http-settings.ts"
import { Clients } from "./http1/forwarded.ts"
import { HeadResult, RequestHeadReader } from "./http1/request-head.ts"
import { RequestRecord } from "./http1/request-record.ts"
import { clientAddressOf } from "./listen-socket.ts"
import type { RequestIds } from "./listener.ts"
import { headOf, schemeOf } from "./message-head.ts"
import { ResponseHeads } from "./response-head.ts"

export interface HandlerOptions {
  readonly settings: HttpSettings
  readonly handle: (exchange: HostExchange) => void
  readonly ids: RequestIds
  readonly streamed: StreamedBytes
  /** Pages for errors that belong to no app. */
  readonly errorPages: ErrorPages
}

/** Turns a message into an exchange and hands it on. */
export function requestHandler(options: HandlerOptions) {
  const heads = new ResponseHeads()
  const { settings, errorPages, streamed } = options
  return (message: IncomingMessage, response: ServerResponse): void => {
    const { socket } = message
    const peer = { address: clientAddressOf(socket), scheme: schemeOf(socket), clientCert: "" }
    const clients = new Clients(peer, settings)
    const reader = new RequestHeadReader(settings, clients.trusted)
    const bytes = headOf(message)
    reader.start(0)
    if (reader.read(bytes, bytes.length) !== HeadResult.whole) {
      const requestId = options.ids.next()
      const accept = message.headers.accept ?? ""
      const context = { app: null, requestId, accept, retryAfterSeconds: null, pages: errorPages }
      const answer = errorAnswer(reader.refusal, context)
      response.writeHead(answer.status, [...answer.headers, "Connection", "close"])
      response.end(answer.body)
      return
    }
    // Its server has given the message to be answered, not the connection.
    reader.fields.upgrade = ""
    const client = clients.of(reader)
    const requestId = client.requestId || options.ids.next()
    const head = new RequestRecord(reader, bytes, client, requestId)
    options.handle(new HttpExchange({ message, response, streamed, heads, errorPages, head, requestId }))
  }
}
