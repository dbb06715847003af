/** The head of an answer that is made from a Response, as lines. Used by `fetch-app.ts`. */
import { linesOf } from "./fast-response.ts"

export function linesOfNative(response: Response): string {
  // An answer of `fetch` was decoded on the way in: what it says of its encoded form is no longer true.
  if (response.url === "" || !response.headers.has("content-encoding")) return linesOf(response.headers)
  const headers = new Headers(response.headers)
  headers.delete("content-encoding")
  headers.delete("content-length")
  return linesOf(headers)
}

export function withLength(lines: string, bytes: number): string {
  return /(?:^|\n)content-length:/i.test(lines) ? lines : `${lines}content-length: ${bytes}\r\n`
}

/** The reason phrase of a Response, when it is one that HTTP/1.1 can carry. */
export function reasonOf({ statusText }: Response): string {
  return typeof statusText === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(statusText) ? statusText : ""
}
