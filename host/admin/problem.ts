/** Errors of the admin API as `application/problem+json`: `{type,title,status,code,detail}`. */
import type { ServerResponse } from "node:http"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"

/** What the admin API itself can answer besides the host's own codes. */
const ADMIN_PROBLEMS = {
  BAD_REQUEST: { status: 400, title: "The call is malformed" },
  UNAUTHORIZED: { status: 401, title: "The call has no valid token" },
  FORBIDDEN: { status: 403, title: "The call comes from another site" },
  NOT_FOUND: { status: 404, title: "There is no such call" },
  HOST_UNKNOWN_APP: { status: 404, title: "There is no such app" },
  METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here" },
  HOST_RELOAD_FAILED: { status: 409, title: "The new generation does not serve; the old one goes on" },
  INTERNAL: { status: 500, title: "The host failed to answer this call" },
  NOT_IMPLEMENTED: { status: 501, title: "Not in this version" },
  HOST_CLOSED: { status: 503, title: "The host is stopping" },
  NOT_READY: { status: 503, title: "Some apps that should serve do not" },
} as const

export type AdminProblemCode = keyof typeof ADMIN_PROBLEMS

export class AdminProblem extends Error {
  readonly code: AdminProblemCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: AdminProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.code = code
    this.headers = headers
  }
}

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, "application/json", value)
}

/** Answers with whatever was thrown. Never a stack. */
export function sendProblem(response: ServerResponse, thrown: unknown): void {
  const code = codeOf(thrown)
  const { status, title } = ADMIN_PROBLEMS[code]
  if (thrown instanceof AdminProblem) {
    for (const [name, value] of Object.entries(thrown.headers)) response.setHeader(name, value)
  }
  send(response, status, "application/problem+json", {
    type: "about:blank",
    title,
    status,
    code,
    detail: messageOf(thrown),
  })
}

function codeOf(thrown: unknown): AdminProblemCode {
  if (thrown instanceof AdminProblem) return thrown.code
  if (thrown instanceof PolyhostError && Object.hasOwn(ADMIN_PROBLEMS, thrown.code)) {
    return thrown.code as AdminProblemCode
  }
  return "INTERNAL"
}

function send(response: ServerResponse, status: number, type: string, value: unknown): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": body.length,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  })
  response.end(body)
}
