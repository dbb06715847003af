import type { ExchangeTicket } from "../exchange.ts"
import { createDeadlineEntry } from "./deadlines.ts"

/** The bookkeeping of one exchange in its app. */
export function createTicket(): ExchangeTicket {
  return { slot: null, uploads: false, retried: false, depth: 0, request: createDeadlineEntry(), queue: null }
}
