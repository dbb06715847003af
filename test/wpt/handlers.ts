/** What some of the suite's Python handlers do, as far as tests that make sense on a server ask for it. */
import type { IncomingMessage, ServerResponse } from "node:http"

export interface Handling {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** What one request leaves for another. */
  readonly stash: Map<string, string>
}

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

const CORS = { "access-control-allow-origin": "*", "access-control-expose-headers": "*" }

const HANDLERS: Readonly<Record<string, Handler>> = {
  "inspect-headers.py": ({ request, response, url }) => {
    const exposed: string[] = []
    for (const name of (url.searchParams.get("headers") ?? "").split("|")) {
      const value = request.headers[name.toLowerCase()]
      if (value === undefined || name === "") continue
      response.setHeader(`x-request-${name}`, value)
      exposed.push(`x-request-${name}`)
    }
    response.setHeader("content-type", "text/plain")
    response.setHeader("access-control-expose-headers", exposed.join(", "))
    response.end("")
  },
  "echo-content.py": async ({ request, response }) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const { method, headers } = request
    const shown = [
      "content-type",
      "content-length",
      "content-encoding",
      "content-language",
      "content-location",
    ]
    response.setHeader("x-request-method", method!)
    for (const name of shown) response.setHeader(`x-request-${name}`, headers[name] ?? "NO")
    response.setHeader("content-type", "text/plain")
    response.end(Buffer.concat(parts))
  },
  "method.py": async ({ request, response }) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const { method, headers } = request
    response.writeHead(200, {
      ...CORS,
      "content-type": "text/plain",
      "x-request-method": method!,
      "x-request-content-type": headers["content-type"] ?? "NO",
      "x-request-content-length": headers["content-length"] ?? "NO",
    })
    response.end(Buffer.concat(parts))
  },
  "status.py": ({ response, url }) => {
    const code = Number(url.searchParams.get("code") ?? 200)
    const text = url.searchParams.get("text") ?? "OMG"
    const headers = { "content-type": url.searchParams.get("type") ?? "", "x-request-method": "GET" }
    response.writeHead(code, text, headers)
    response.end(url.searchParams.get("content") ?? "")
  },
  "redirect.py": ({ request, response, url, stash }) => {
    const token = url.searchParams.get("token")
    const count = url.searchParams.get("count")
    const location = url.searchParams.get("location")
    const status = Number(url.searchParams.get("redirect_status") ?? 302)
    if (token !== null) stash.set(token, String(Number(stash.get(token) ?? 0) + 1))
    const headers: Record<string, string> = { ...CORS, "access-control-allow-headers": "*" }
    if (request.method === "OPTIONS") {
      response.writeHead(200, headers).end()
      return
    }
    if (token !== null && count !== null && Number(stash.get(token)) > Number(count)) {
      response.writeHead(200, headers).end("test")
      return
    }
    if (location !== null) {
      const next =
        url.searchParams.get("simple") === null && count !== null ? withParameters(location, url) : location
      headers["location"] = next
    }
    response.writeHead(status, headers).end("")
  },
  "redirect-empty-location.py": ({ response }) => void response.writeHead(302, { location: "" }).end(),
  "trickle.py": async ({ response, url }) => {
    const delay = Number(url.searchParams.get("ms") ?? 500)
    const count = Number(url.searchParams.get("count") ?? 50)
    response.writeHead(200, url.searchParams.has("notype") ? {} : { "content-type": "text/plain" })
    for (let at = 0; at < count && !response.destroyed; at++) {
      response.write("TEST_TRICKLE\n")
      await new Promise((resolve) => setTimeout(resolve, delay))
    }
    response.end()
  },
  "infinite-slow-response.py": async ({ request, response, url, stash }) => {
    const stateKey = url.searchParams.get("stateKey")
    const abortKey = url.searchParams.get("abortKey")
    const closed = new Promise((resolve) => request.socket.once("close", resolve))
    response.writeHead(200, { "content-type": "text/plain" })
    if (stateKey !== null) stash.set(stateKey, "open")
    while (!response.destroyed && !(abortKey !== null && stash.has(abortKey))) {
      response.write(".")
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 20))])
    }
    if (stateKey !== null) stash.set(stateKey, "closed")
    response.end()
  },
  "stash-put.py": ({ response, url, stash }) => {
    stash.set(url.searchParams.get("key") ?? "", url.searchParams.get("value") ?? "")
    response.writeHead(200, CORS).end("OK")
  },
  "stash-take.py": ({ response, url, stash }) => {
    const key = url.searchParams.get("key") ?? ""
    const value = stash.get(key)
    stash.delete(key)
    response
      .writeHead(200, { ...CORS, "content-type": "application/json" })
      .end(JSON.stringify(value ?? null))
  },
  "clean-stash.py": ({ response, url, stash }) => {
    const had = stash.delete(url.searchParams.get("token") ?? "")
    response.end(had ? "1" : "0")
  },
  "echo-headers.py": ({ request, response }) => {
    response.writeHead(200, { ...CORS, "content-type": "text/plain" })
    const lines: string[] = []
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`)
    response.end(`${lines.join("\n")}\n`)
  },
}

/** A redirect that is to happen several times carries its own parameters on. */
function withParameters(location: string, url: URL): string {
  const next = new URL(location, url)
  for (const [name, value] of url.searchParams)
    if (!next.searchParams.has(name)) next.searchParams.set(name, value)
  return next.href
}
