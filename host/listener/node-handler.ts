/** Exchanges of the messages of `node:http`, for programs that mount a host in a server of their own (`Host.handler`). */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ErrorPages } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import type { StreamedBytes } from "../streamed-bytes.ts"
import { errorAnswer } from "./error-page.ts"
import { HttpExchange } from "./http-exchange.ts"
import { clientAddressOf } from "./listen-socket.ts"
import type { RequestIds } from "./listener.ts"
import { scanRequest } from "./request-head.ts"
import { ResponseHeads } from "./response-head.ts"

export interface HandlerOptions {
  readonly handle: (exchange: HostExchange) => void
  readonly ids: RequestIds
  readonly streamed: StreamedBytes
  /** Pages for errors that belong to no app. */
  readonly errorPages: ErrorPages
}

/** Turns a message into an exchange and hands it on. */
export function requestHandler(options: HandlerOptions) {
  const heads = new ResponseHeads()
  return (message: IncomingMessage, response: ServerResponse): void => {
    const scanned = scanRequest(message)
    const requestId = options.ids.next()
    if (scanned === null) {
      const answer = errorAnswer("BAD_REQUEST", {
        app: null,
        requestId,
        accept: message.headers.accept ?? "",
        retryAfterSeconds: null,
        pages: options.errorPages,
      })
      response.writeHead(answer.status, [...answer.headers, "Connection", "close"])
      response.end(answer.body)
      return
    }
    options.handle(
      new HttpExchange({
        message,
        response,
        streamed: options.streamed,
        heads,
        errorPages: options.errorPages,
        scanned,
        requestId,
        clientAddress: clientAddressOf(message.socket),
        scheme: "encrypted" in message.socket ? "https" : "http",
      }),
    )
  }
}
