/**
 * Error answers to clients: problem+json (RFC 9457), a plain page for browsers, or the page that an app or the host config
 * gives instead (`errorPages`). Owns form and wording; when to answer is the listener's. Never a stack, a path or a secret.
 */
import { CLIENT_ERRORS, type ClientErrorCode, limitReason } from "../../protocol/errors.ts"
import type { ErrorPage, ErrorPages } from "../../runtimes/app-spec.ts"
import { namesJson, prefersHtml } from "./accept.ts"

export interface ErrorAnswer {
  readonly status: number
  readonly headers: string[]
  readonly body: string
}

export interface ErrorContext {
  readonly app: string | null
  readonly requestId: string
  /** Value of the client's Accept header, "" when there is none. */
  readonly accept: string
  /** Seconds, for 503. */
  readonly retryAfterSeconds: number | null
  /** Pages of the app, or of the host config for an error without an app. */
  readonly pages?: ErrorPages | null
}

export function errorAnswer(code: ClientErrorCode, context: ErrorContext): ErrorAnswer {
  const { status } = CLIENT_ERRORS[code]
  const { type, body } = contentOf(code, context)
  const headers = [
    "Content-Type",
    type,
    "Content-Length",
    String(Buffer.byteLength(body)),
    "Cache-Control",
    "no-store",
    "Vary",
    "Accept",
    "X-Request-Id",
    context.requestId,
  ]
  if (status === 503) headers.push("Retry-After", String(context.retryAfterSeconds ?? 1))
  if (status === 405) headers.push("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
  return { status, headers, body }
}

/** The page for a code: its own, else that of its status, else that of its class. */
export function pageFor(code: ClientErrorCode, pages: ErrorPages): ErrorPage | null {
  const status = String(CLIENT_ERRORS[code].status)
  return pages.get(code) ?? pages.get(status) ?? pages.get(`${status[0]}xx`) ?? null
}

type Values = Readonly<Record<"status" | "code" | "title" | "requestId" | "app", string>>

function contentOf(code: ClientErrorCode, context: ErrorContext): ErrorPage {
  const { status, title } = CLIENT_ERRORS[code]
  const { app, requestId, accept, pages } = context
  const values = { status: String(status), code, title, requestId, app: app ?? "" }
  const page = pages ? pageFor(code, pages) : null
  if (page !== null && !(isHtml(page.type) && namesJson(accept)))
    return { type: page.type, body: fill(page, values) }
  if (prefersHtml(accept)) return { type: "text/html; charset=utf-8", body: defaultPage(values) }
  const type = `urn:polyhost:error:${code}`
  return {
    type: "application/problem+json",
    body: `${JSON.stringify({ type, title, status, code, reason: limitReason(code), app, requestId })}\n`,
  }
}

function fill({ type, body }: ErrorPage, values: Values): string {
  const escaped = isHtml(type) ? escapeHtml : type.includes("json") ? escapeJson : asItIs
  return body.replace(/\{\{(status|code|title|requestId|app)\}\}/g, (_, key: keyof Values) =>
    escaped(values[key]),
  )
}

function isHtml(type: string): boolean {
  return type.startsWith("text/html")
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`)
}

/** For the inside of a JSON string. */
function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function asItIs(text: string): string {
  return text
}

function defaultPage(values: Values): string {
  const { status, code, title, requestId, app } = values
  const rows = [["Code", code], ...(app === "" ? [] : [["App", app]]), ["Request", requestId]]
  const list = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value!)}</dd>`).join("\n")
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${status} · ${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<p>${status}</p>
<h1>${escapeHtml(title)}</h1>
<dl>
${list}
</dl>
</main>
</body>
</html>
`
}

const PAGE_STYLE = `
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--line:#dfe3e8;--text:#1b2330;--soft:#5b6675;--mark:#b3372f}
@media (prefers-color-scheme:dark){:root{--back:#12161c;--card:#1a2029;--line:#2c3542;--text:#e8ecf2;--soft:#9aa6b5;--mark:#f0857c}}
*{box-sizing:border-box;margin:0}
body{min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:32rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
p{color:var(--mark);font-size:.95rem;font-weight:600;letter-spacing:.06em}
h1{margin:.25rem 0 1.5rem;font-size:1.5rem;line-height:1.3;font-weight:600;text-wrap:balance}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.875rem}
dt{color:var(--soft)}
dd{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
`
