/** Error answers on a stream: the same pages as on HTTP/1.1 (`error-page.ts`). */
import type { ServerHttp2Stream } from "node:http2"
import { CLIENT_ERRORS, type ClientErrorCode } from "../../../protocol/errors.ts"
import type { ErrorContext } from "../error-page.ts"
import type { ListenerServices } from "../http1/services.ts"
import { fieldsOf } from "./response-fields.ts"

export function answerWithPage(
  stream: ServerHttp2Stream,
  services: ListenerServices,
  code: ClientErrorCode,
  context: ErrorContext,
): void {
  const { head, body } = services.errorPage(code, context)
  const fields = fieldsOf(head.slice(head.indexOf("\r\n") + 2))
  fields[":status"] = CLIENT_ERRORS[code].status
  // Of HEAD: node:http2 has ended the body already.
  if (stream.writableEnded) stream.respond(fields, { endStream: true })
  else {
    stream.respond(fields)
    stream.end(body, "latin1")
  }
}
