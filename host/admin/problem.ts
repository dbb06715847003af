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
  HOST_UNKNOWN_INSTANCE: { status: 404, title: "There is no such instance" },
  METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here" },
  HOST_INSPECTED: { status: 409, title: "Somebody inspects it already" },
  HOST_RELOAD_FAILED: { status: 409, title: "The new generation does not serve; the old one goes on" },
  UPGRADE_REQUIRED: { status: 426, title: "This call is a WebSocket" },
  INTERNAL: { status: 500, title: "The host failed to answer this call" },
  NOT_IMPLEMENTED: { status: 501, title: "Not in this version" },
  RUNTIME_NO_INSPECTOR: { status: 501, title: "This kind of app cannot be inspected so" },
  RUNTIME_INSPECTOR_FAILED: { status: 502, title: "The inspector of the app failed" },
  APP_UNAVAILABLE: { status: 503, title: "The app does not run" },
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
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  const headers = { "Content-Type": "application/json", "Content-Length": body.length, ...EVERY_ANSWER }
  response.writeHead(200, headers)
  response.end(body)
}

/** Answers with whatever was thrown. Never a stack. */
export function sendProblem(response: ServerResponse, thrown: unknown): void {
  const { status, headers, body } = problemText(thrown)
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { ...headers, "Content-Length": body.length })
  response.end(body)
}

export interface ProblemText {
  readonly status: number
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The same for who writes the answer itself. */
export function problemText(thrown: unknown): ProblemText {
  const code = codeOf(thrown)
  const { status, title } = ADMIN_PROBLEMS[code]
  const problem = { type: "about:blank", title, status, code, detail: messageOf(thrown) }
  const own = thrown instanceof AdminProblem ? thrown.headers : {}
  return {
    status,
    title,
    headers: { ...own, "Content-Type": "application/problem+json", ...EVERY_ANSWER },
    body: Buffer.from(`${JSON.stringify(problem)}\n`),
  }
}

const EVERY_ANSWER = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const

function codeOf(thrown: unknown): AdminProblemCode {
  if (thrown instanceof AdminProblem) return thrown.code
  if (thrown instanceof PolyhostError && Object.hasOwn(ADMIN_PROBLEMS, thrown.code)) {
    return thrown.code as AdminProblemCode
  }
  return "INTERNAL"
}
