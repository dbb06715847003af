/**
 * What went wrong with a certificate, in the authority's own words where it gave some (RFC 7807, RFC 8555 6.7), and what the
 * operator can do about it. Only ever logged and shown in the status: no client sees it.
 */

import { messageOf } from "../../protocol/errors.ts"

export interface AuthorityErrorDetails {
  /** Last part of the problem's type (`rateLimited`), or `unreachable`. "" where there is none. */
  readonly type?: string
  /** Of HTTP; 0: there was no answer, or it was none of refusal. */
  readonly status?: number
  /** How long the authority asks to be left alone; 0: it does not say. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

export class AuthorityError extends Error {
  override readonly name = "AuthorityError"
  readonly type: string
  readonly status: number
  readonly retryAfterMs: number

  constructor(
    message: string,
    { type = "", status = 0, retryAfterMs = 0, cause }: AuthorityErrorDetails = {},
  ) {
    super(message, cause === undefined ? {} : { cause })
    this.type = type
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** Documents of the authority that say what went wrong. Checked field by field: it is another's program. */
export function problemOf(data: unknown): { type: string; detail: string } | null {
  if (typeof data !== "object" || data === null) return null
  const { type, detail, subproblems } = data as Record<string, unknown>
  if (typeof type !== "string" && typeof detail !== "string") return null
  const own = typeof detail === "string" ? detail : ""
  const more = Array.isArray(subproblems) ? subproblems.map((it) => problemOf(it)?.detail ?? "") : []
  return {
    type: typeof type === "string" ? type.replace(/^urn:ietf:params:acme:error:/, "") : "",
    detail: oneLine([own, ...more].filter((it) => it !== "").join("; ")),
  }
}

const REACHABLE =
  "The authority must reach this machine by that name: check the DNS record, and that port 443 (tls-alpn-01) or port 80 (http-01) " +
  'leads to an address under "listen"'

const ADVICE: Readonly<Record<string, string>> = {
  unreachable: 'Check the network of this machine, and "tls.acme.directory"',
  untrusted: 'If the authority is one of your own, name its root in "tls.acme.ca"',
  badFile: "Check the path and its permissions",
  accountDoesNotExist: "The account is made again with the next try",
  badCSR: "Ask the authority: it does not like the host's request",
  badContact: 'Check "tls.acme.email"',
  invalidContact: 'Check "tls.acme.email"',
  unsupportedContact: 'Check "tls.acme.email"',
  caa: "Allow the authority in the name's CAA record",
  connection: REACHABLE,
  dns: "Check the DNS record of the name",
  externalAccountRequired: 'Put the key of your account there into "tls.acme.externalAccount"',
  incorrectResponse: REACHABLE,
  rateLimited: 'Wait; if it goes on, have fewer names under "tls.acme.hosts"',
  rejectedIdentifier: 'Take the name out of "tls.acme.hosts", or use an authority that knows it',
  serverInternal: "Wait: the trouble is the authority's",
  tls: REACHABLE,
  unauthorized: `${REACHABLE}, here and not elsewhere`,
  unsupportedIdentifier: 'Take the name out of "tls.acme.hosts"',
  userActionRequired: "Do what it asks for",
  noChallenge: 'Name others in "tls.acme.challenges"',
}

/** What went wrong and, where anything can be said, what to do about it; without the last full stop. */
export function sentenceOf(error: unknown): string {
  const advice = error instanceof AuthorityError ? ADVICE[error.type] : undefined
  const what = messageOf(error).replace(/[.\s]+$/, "")
  return advice === undefined ? what : `${what}. ${advice}`
}

export function retryAfterMsOf(error: unknown): number {
  return error instanceof AuthorityError ? error.retryAfterMs : 0
}

/** What others write goes into the log as one short line. */
export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length > 500 ? `${line.slice(0, 500)}…` : line
}

export function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
