/** What some of the suite's Python handlers do, as far as tests that make sense on a server ask for it. */

import type { IncomingMessage } from "node:http"
import { answerForCaches, countRequests } from "./cache-handler.ts"
import type { Handling } from "./handling.ts"

type Handler = (handling: Handling) => void | Promise<void>

/** False: no handler of that name, the path is a file's. */
export async function handle(handling: Handling): Promise<boolean> {
  const name = /([^/]+\.py)$/.exec(handling.url.pathname)?.[1]
  const handler = name === undefined ? undefined : HANDLERS[name]
  if (handler === undefined) return false
  await handler(handling)
  return true
}

/** The names of handlers that stand here. */
export function knowsHandler(name: string): boolean {
  return Object.hasOwn(HANDLERS, name)
}

type Fields = Record<string, string>

const HANDLERS: Readonly<Record<string, Handler>> = {
  "inspect-headers.py": ({ request, response, url }) => {
    const names = (url.searchParams.get("headers") ?? "").split("|").filter((name) => name !== "")
    const found = names.filter((name) => request.headers[name.toLowerCase()] !== undefined)
    const fields: Fields = { "content-type": "text/plain" }
    for (const name of found) fields[`x-request-${name}`] = String(request.headers[name.toLowerCase()])
    if (url.searchParams.has("cors")) {
      Object.assign(fields, corsFields(request))
      fields["access-control-expose-headers"] = names.map((name) => `x-request-${name}`).join(", ")
    }
    response.writeHead(200, fields).end()
  },
  "echo-content.py": async ({ request, response }) => {
    const body = await bodyOf(request)
    response.writeHead(200, { "content-type": "text/plain", ...contentFields(request) }).end(body)
  },
  "method.py": async ({ request, response }) => {
    const body = await bodyOf(request)
    response.writeHead(200, { ...corsFields(request), ...contentFields(request) }).end(body)
  },
  "status.py": ({ request, response, url }) => {
    const get = (name: string, otherwise: string): string => url.searchParams.get(name) ?? otherwise
    const fields = { "content-type": get("type", ""), "x-request-method": request.method! }
    response.writeHead(Number(get("code", "200")), get("text", "OMG"), fields).end(get("content", ""))
  },
  "cache.py": answerForCaches,
  "network-partition-key.py": countRequests,
  "parse-headers.py": ({ request, url }) => {
    // As it is given, also where Node would refuse to write it.
    const value = url.searchParams.get("my-custom-header") ?? ""
    request.socket.end(`HTTP/1.1 200 OK\r\nmy-custom-header: ${value}\r\ncontent-length: 0\r\n\r\n`)
  },
  "redirect.py": redirect,
  "redirect-empty-location.py": ({ response }) => void response.writeHead(302, { location: "" }).end(),
  "trickle.py": async ({ request, response, url }) => {
    const pause = Number(url.searchParams.get("ms") ?? 500)
    const count = Number(url.searchParams.get("count") ?? 50)
    await bodyOf(request)
    await after(pause)
    response.writeHead(200, url.searchParams.has("notype") ? {} : { "content-type": "text/plain" })
    response.flushHeaders()
    for (let at = 0; at < count && !response.destroyed; at++) {
      await after(pause)
      response.write("TEST_TRICKLE\n")
    }
    response.end()
  },
  "bad-chunk-encoding.py": async ({ request, response, url }) => {
    const pause = Number(url.searchParams.get("ms") ?? 1000)
    const count = Number(url.searchParams.get("count") ?? 50)
    const { socket } = request
    await after(pause)
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for (let at = 0; at < count && !socket.destroyed; at++) {
      await after(pause)
      socket.write("a\r\nTEST_CHUNK\r\n")
    }
    socket.end("garbage")
    response.destroy()
  },
  "infinite-slow-response.py": async ({ request, response, url, stash }) => {
    const stateKey = url.searchParams.get("stateKey")
    const abortKey = url.searchParams.get("abortKey")
    const closed = new Promise<void>((resolve) => request.socket.once("close", () => resolve()))
    response.writeHead(200, { "content-type": "text/plain" })
    if (stateKey !== null) stash.set(stateKey, "open")
    while (!response.destroyed && !(abortKey !== null && stash.has(abortKey))) {
      response.write(".")
      await Promise.race([closed, after(20)])
    }
    if (stateKey !== null) stash.set(stateKey, "closed")
    response.end()
  },
  "stash-put.py": ({ request, response, url, stash }) => {
    stash.set(url.searchParams.get("key") ?? "", url.searchParams.get("value") ?? "")
    response.writeHead(200, corsFields(request)).end("OK")
  },
  "stash-take.py": ({ request, response, url, stash }) => {
    const key = url.searchParams.get("key") ?? ""
    const value = stash.get(key) ?? null
    stash.delete(key)
    response.writeHead(200, { ...corsFields(request), "content-type": "application/json" })
    response.end(JSON.stringify(value))
  },
  "clean-stash.py": ({ response, url, stash }) => {
    response.end(stash.delete(url.searchParams.get("token") ?? "") ? "1" : "0")
  },
  "echo-headers.py": ({ request, response }) => {
    const { rawHeaders } = request
    const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}\n`] : []))
    response.writeHead(200, { ...corsFields(request), "content-type": "text/plain" }).end(lines.join(""))
  },
  "dump-authorization-header.py": ({ request, response }) => {
    response.writeHead(200, { ...corsFields(request), "content-type": "text/html" })
    response.end(request.headers.authorization ?? "none")
  },
  "bad-gzip-body.py": ({ response }) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end("not actually gzip")
  },
  "bad-br-body.py": ({ response }) => {
    response.writeHead(200, { "content-encoding": "br" }).end("not actually br")
  },
}

/** Sends on as often as it is asked to; a token counts over the requests of one chain. */
function redirect({ request, response, url, stash }: Handling): void {
  const get = (name: string): string | null => url.searchParams.get(name)
  const fields: Fields = { "content-type": "text/plain", "cache-control": "no-cache", ...corsFields(request) }
  const token = get("token")
  const count = Number((token === null ? undefined : stash.get(token)) ?? 0) + 1
  if (token !== null) stash.set(token, String(count))
  const most = get("max_count")
  if (token !== null && most !== null && count > Number(most)) {
    response.writeHead(200, fields).end(String(count - 1))
    return
  }
  const location = get("location")
  if (location !== null) {
    const simple = get("simple") !== null || !/^(?:https?:|[^:]*(?:$|[/?#]))/.test(location)
    fields["location"] = simple ? location : withParameters(location, url, count)
  }
  response.writeHead(Number(get("redirect_status") ?? 302), Object.entries(fields).flat().map(asBytes)).end()
}

/** The parameters of the redirect go on to where it leads; `count` makes each step another URL. */
function withParameters(location: string, url: URL, count: number): string {
  return `${location}${location.includes("?") ? "&" : "?"}${url.searchParams}&count=${count}`
}

/** Node writes fields as Latin-1; the suite's server writes the bytes that it was given. */
function asBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}

function corsFields({ headers }: IncomingMessage): Fields {
  return {
    "access-control-allow-origin": headers.origin ?? "*",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "x-request-method",
  }
}

function contentFields({ method, headers }: IncomingMessage): Fields {
  const fields: Fields = { "x-request-method": method! }
  for (const name of ["type", "length", "encoding", "language", "location"])
    fields[`x-request-content-${name}`] = String(headers[`content-${name}`] ?? "NO")
  return fields
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
