/** What the connections of a listener share: settings, caches, the clock, and where requests go. Made once for each listener. */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import type { ErrorPages } from "../../../runtimes/app-spec.ts"
import type { HostExchange } from "../../exchange.ts"
import type { StreamedBytes } from "../../streamed-bytes.ts"
import { ConnectionCount } from "../connection-count.ts"
import { type ErrorContext, errorAnswer } from "../error-page.ts"
import type { HttpSettings } from "../http-settings.ts"
import type { Refusal, RequestIds } from "../listener.ts"
import { ResponseHeads } from "../response-head.ts"
import { DeadlineWheel } from "./deadline-wheel.ts"
import { DateLine, latin1, StatusLines } from "./response-text.ts"

export interface ListenerServices {
  readonly settings: HttpSettings
  readonly ids: RequestIds
  readonly streamed: StreamedBytes
  readonly handle: (exchange: HostExchange) => void
  readonly refused: (refusal: Refusal) => void
  /** The line that answers over TLS carry unless the app says its own (RFC 6797), or "". */
  readonly hstsLine: string
  readonly heads: ResponseHeads
  readonly statusLines: StatusLines
  readonly dateLine: DateLine
  readonly wheel: DeadlineWheel
  readonly count: ConnectionCount
  /** The answer to `code`: its head but for the lines of the connection and the empty one, and its body; each code unit one byte. */
  errorPage(code: ClientErrorCode, context: ErrorContext): { head: string; body: string }
}

export interface ServiceParts {
  readonly settings: HttpSettings
  /** Pages for errors that belong to no app. */
  readonly errorPages: ErrorPages
  readonly ids: RequestIds
  readonly streamed: StreamedBytes
  readonly handle: (exchange: HostExchange) => void
  readonly refused: (refusal: Refusal) => void
}

export function createServices({ errorPages, ...parts }: ServiceParts): ListenerServices {
  const statusLines = new StatusLines()
  const dateLine = new DateLine()
  return {
    ...parts,
    hstsLine: "",
    heads: new ResponseHeads(),
    statusLines,
    dateLine,
    wheel: new DeadlineWheel(),
    count: new ConnectionCount(parts.settings),
    errorPage(code, context) {
      const answer = errorAnswer(code, { ...context, pages: context.pages ?? errorPages })
      let head = statusLines.of(answer.status, "")
      for (let i = 0; i < answer.headers.length; i += 2)
        head += `${answer.headers[i]}: ${answer.headers[i + 1]}\r\n`
      return { head: head + dateLine.text, body: latin1(Buffer.from(answer.body)) }
    },
  }
}

/** The same for a listener with TLS. `hsts`: value of Strict-Transport-Security, "" for none. */
export function overTls(services: ListenerServices, hsts: string): ListenerServices {
  if (hsts === "") return services
  const hstsLine = `Strict-Transport-Security: ${hsts}\r\n`
  return {
    ...services,
    hstsLine,
    errorPage(code, context) {
      const { head, body } = services.errorPage(code, context)
      return { head: head + hstsLine, body }
    },
  }
}
