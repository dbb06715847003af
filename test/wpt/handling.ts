/** What a handler of the suite's server is given. Types only. */
import type { IncomingMessage, ServerResponse } from "node:http"

export interface Handling {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** What one request leaves for another. */
  readonly stash: Map<string, string>
}
