/**
 * HTTPS to the authority, in place of acme-client's own: that one is a single axios instance for the whole process, without
 * deadlines, and its retries wait as long as the authority says in timers that nobody can end. Here each client has its own agent
 * and roots, every request an end, and no request is repeated: `acme.ts` decides when to try again.
 */
import type { IncomingHttpHeaders } from "node:http"
import { Agent, request } from "node:https"
import { messageOf } from "../../protocol/errors.ts"
import { AuthorityError, oneLine, problemOf } from "./authority-error.ts"
import { type Clock, deadlineSignal } from "./clock.ts"

/** What acme-client reads of an answer. */
export interface AuthorityAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Parsed, when it is JSON. */
  readonly data: unknown
}

export interface Transport {
  request(url: string, method: string, options?: { data?: unknown }): Promise<AuthorityAnswer>
  /** What the last answer asked to wait before it is asked again, in milliseconds; 0: nothing. */
  readonly retryAfterMs: number
  close(): void
}

export interface TransportParts {
  /** Roots to trust, PEM; null: the usual ones. */
  readonly ca: string | null
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A request is given up after this time, from its start to the last byte of its answer. */
export const REQUEST_MS = 30_000
/** Longest answer that is read: chains of certificates are some KiB. */
const MAX_ANSWER_BYTES = 1024 * 1024
/** Longest time that an authority can send us away for. Let's Encrypt's longest limit is a week. */
const MAX_RETRY_AFTER_MS = 7 * 24 * 3_600_000

const CUT = "the answer was cut short"

export function createTransport({ ca, clock, signal }: TransportParts): Transport {
  const agent = new Agent({ keepAlive: true, maxSockets: 2, ...(ca === null ? {} : { ca }) })
  let retryAfterMs = 0
  return {
    async request(url, method, { data } = {}) {
      const deadline = deadlineSignal(clock, signal, {
        ms: REQUEST_MS,
        reason: () =>
          new AuthorityError(`no answer from ${url} within ${REQUEST_MS / 1000} s`, { type: "unreachable" }),
      })
      try {
        const body = data === undefined ? "" : JSON.stringify(data)
        const answer = await send({ url, method: method.toUpperCase(), body }, agent, deadline.signal)
        retryAfterMs = retryAfterOf(answer.headers["retry-after"], clock)
        if (answer.status >= 300 && !isBadNonce(answer)) throw refusal(url, answer, retryAfterMs)
        if (isStrange(answer.data))
          throw new AuthorityError(`${url} answered ${answer.status} with neither JSON nor a certificate`, {
            type: "unreachable",
          })
        return answer
      } catch (error) {
        throw deadline.signal.aborted ? deadline.signal.reason : unreachable(url, error)
      } finally {
        deadline.done()
      }
    },
    get retryAfterMs() {
      return retryAfterMs
    },
    close: () => agent.destroy(),
  }
}

function send(
  { url, method, body }: { url: string; method: string; body: string },
  agent: Agent,
  signal: AbortSignal,
): Promise<AuthorityAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      "User-Agent": "polyhost acme-client/5",
      ...(method === "POST"
        ? { "Content-Type": "application/jose+json", "Content-Length": String(Buffer.byteLength(body)) }
        : {}),
    }
    const sent = request(url, { method, agent, signal, headers }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > MAX_ANSWER_BYTES)
          answer.destroy(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`))
      })
      answer.on("error", reject)
      // Cut short: neither end nor, always, an error.
      answer.on("close", () => reject(new Error(CUT)))
      answer.on("end", () => {
        const { statusCode: status = 0, headers: lines } = answer
        resolve({ status, headers: lines, data: dataOf(Buffer.concat(chunks).toString("utf8")) })
      })
    })
    sent.on("error", reject)
    sent.end(method === "POST" ? body : undefined)
  })
}

/** Not by its content type: it is what acme-client, and so every authority it was tried with, does. */
function dataOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** These acme-client answers itself, with the nonce that came with it (RFC 8555 6.5). */
function isBadNonce({ status, data }: AuthorityAnswer): boolean {
  return status === 400 && problemOf(data)?.type === "badNonce"
}

/** A page of somebody between here and the authority. */
function isStrange(data: unknown): boolean {
  return typeof data === "string" && data !== "" && !data.includes("-----BEGIN CERTIFICATE-----")
}

function refusal(url: string, { status, data }: AuthorityAnswer, retryAfterMs: number): AuthorityError {
  const problem = problemOf(data)
  const text = typeof data === "string" ? oneLine(data).slice(0, 120) : ""
  const said = problem === null ? text : `${problem.detail} (${problem.type})`
  const type = problem?.type ?? (status === 429 ? "rateLimited" : status >= 500 ? "serverInternal" : "")
  return new AuthorityError(`${new URL(url).host} answered ${status}${said === "" ? "" : `: ${said}`}`, {
    type,
    status,
    retryAfterMs,
  })
}

function unreachable(url: string, error: unknown): AuthorityError {
  if (error instanceof AuthorityError) return error
  const code = (error as NodeJS.ErrnoException).code ?? ""
  const isTrust = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code)
  // Several addresses that all failed: Node tells them in `errors` and says nothing itself.
  const message = messageOf(error) || messageOf((error as AggregateError).errors?.[0] ?? code)
  return new AuthorityError(`${url}: ${message === "aborted" ? CUT : oneLine(message)}`, {
    type: isTrust ? "untrusted" : "unreachable",
    cause: error,
  })
}

/** RFC 9110 10.2.3: seconds or a date. */
function retryAfterOf(value: string | undefined, clock: Clock): number {
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}
