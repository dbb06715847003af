/**
 * Compression of an app's answers (RFC 9110 8.4): what `spec.compression` comes to. Makes the filter that stands between an
 * instance and the exchanges that it answers. What one answer becomes is `plan.ts`, its bytes `compressed-exchange.ts`.
 */
import type { Exchange } from "../../protocol/exchange.ts"
import type { Compression } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import { isSupported } from "./coding.ts"
import { CompressedExchange } from "./compressed-exchange.ts"
import { Negotiation } from "./negotiation.ts"
import { RequestLines } from "./request-lines.ts"

/** Stands in front of an exchange; what it has of the host's own is for those who know the exchange by it. */
export type AnswerFilter = (exchange: HostExchange) => Exchange & Pick<HostExchange, "ticket">

/** Null: nothing is ever compressed. */
export function createCompression(settings: Compression | null): AnswerFilter | null {
  // Node has zstd from 22.15 on.
  const codings = settings?.encodings.filter(isSupported) ?? []
  if (settings === null || codings.length === 0) return null
  const parts = {
    negotiation: new Negotiation(codings),
    requestLines: new RequestLines(),
    minBytes: settings.minBytes,
  }
  return (exchange) => {
    // A tunnel's bytes are nobody's to change; and what one app asks of another never leaves this machine.
    if (exchange.head.upgrade !== "" || exchange.ticket.depth > 0) return exchange
    return new CompressedExchange(exchange, parts)
  }
}
