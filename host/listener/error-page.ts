/** Error answers to clients: problem+json (RFC 9457), or a plain page for browsers. Never a stack, a path or a secret. */
import { CLIENT_ERRORS, type ClientErrorCode } from "../../protocol/errors.ts"

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
}

export function errorAnswer(code: ClientErrorCode, context: ErrorContext): ErrorAnswer {
  const { status, title } = CLIENT_ERRORS[code]
  const html = /\btext\/html\b/.test(context.accept)
  const body = html ? page(code, status, title, context) : problem(code, status, title, context)
  const headers = [
    "Content-Type",
    html ? "text/html; charset=utf-8" : "application/problem+json",
    "Content-Length",
    String(Buffer.byteLength(body)),
    "Cache-Control",
    "no-store",
    "X-Request-Id",
    context.requestId,
  ]
  if (status === 503) headers.push("Retry-After", String(context.retryAfterSeconds ?? 1))
  return { status, headers, body }
}

function problem(
  code: ClientErrorCode,
  status: number,
  title: string,
  { app, requestId }: ErrorContext,
): string {
  const type = `urn:polyhost:error:${code}`
  return `${JSON.stringify({ type, title, status, code, app, requestId })}\n`
}

function page(
  code: ClientErrorCode,
  status: number,
  title: string,
  { app, requestId }: ErrorContext,
): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status} ${escapeHtml(title)}</title>
<style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center}
main{padding:2rem;max-width:34rem}h1{font-size:1.35rem;margin:.2rem 0 1rem}
p{margin:.25rem 0;opacity:.75}b{font-size:3rem;font-weight:600}code{font:14px ui-monospace,monospace}
</style></head><body><main><b>${status}</b><h1>${escapeHtml(title)}</h1>
<p>Code <code>${code}</code>${app === null ? "" : ` · app <code>${escapeHtml(app)}</code>`}</p>
<p>Request <code>${escapeHtml(requestId)}</code></p></main></body></html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`)
}
