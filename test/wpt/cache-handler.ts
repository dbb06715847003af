/** The suite's `cache.py`: answers that a cache may keep, and what it was asked with, for the test to look at. Also its connection counter's answer. */
import type { Handling } from "./handling.ts"

const WATCHED = ["If-None-Match", "If-Modified-Since", "Pragma", "Cache-Control"]

export function answerForCaches({ request, response, url, stash }: Handling): void {
  const get = (name: string): string | null => url.searchParams.get(name)
  const token = `cache ${get("token")}`
  const asked = JSON.parse(stash.get(token) ?? "[]") as Record<string, string>[]
  if (get("querystate") !== null) {
    stash.delete(token)
    response.writeHead(200, { "content-type": "text/plain" }).end(JSON.stringify(asked))
    return
  }
  const seen: Record<string, string> = {}
  for (const name of WATCHED) {
    const value = request.headers[name.toLowerCase()]
    if (value !== undefined && get("ignore") === null) seen[name] = String(value)
  }
  stash.set(token, JSON.stringify([...asked, seen]))
  const tag = get("tag") === null ? null : `"${get("tag")}"`
  const fields: Record<string, string> = { "access-control-allow-origin": "*" }
  if (tag !== null) fields["etag"] = tag
  else if (get("date") !== null) fields["last-modified"] = get("date")!
  for (const name of ["expires", "vary"]) if (get(name) !== null) fields[name] = get(name)!
  if (get("cache_control") !== null) fields["cache-control"] = get("cache_control")!
  const redirect = get("redirect")
  if (redirect !== null) {
    response.writeHead(302, { ...fields, location: redirect }).end()
    return
  }
  const { "if-none-match": match, "if-modified-since": since } = request.headers
  const isSame = (match !== undefined && match === tag) || (since !== undefined && since === get("date"))
  if (isSame) response.writeHead(304, fields).end()
  else response.writeHead(200, { ...fields, "content-type": "text/plain" }).end(get("content") ?? "")
}

/** `network-partition-key.py`, as far as one request goes: a client that sends it again is found out. */
export function countRequests({ response, url, stash }: Handling): void {
  const key = `count ${url.searchParams.get("uuid")}`
  const count = Number(stash.get(key) ?? 0) + 1
  stash.set(key, String(count))
  response.writeHead(Number(url.searchParams.get("status") ?? 200), { "content-type": "text/plain" })
  response.end(`ok. Request was sent ${count} times. ${count} connections were created.`)
}
