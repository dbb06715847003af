/**
 * Egress: carries out the `fetch` of one isolate's app, under its policy, in the cell. A call is one hop: the isolate
 * follows redirects itself (`web/fetch-global.ts`), so every one of them is checked here like the first. Owns what joins a
 * call to an HTTP request; where it may go is `policy.ts`, how it goes `http-client.ts`.
 */
import type { ServerCall } from "../../../protocol/calls/server-call.ts"
import { headerList } from "../../header-list.ts"
import type { OutboundRule } from "../../outbound.ts"
import { createAgents } from "./agents.ts"
import { Answering, answerHead } from "./answering.ts"
import { failureOf, HEAD_TOO_LARGE, reasonOf } from "./failure.ts"
import { Gate } from "./gate.ts"
import { type HttpClient, OutboundRequest, type OutboundTimeouts } from "./http-client.ts"
import { type Resolve, resolveBySystem } from "./lookup.ts"
import { createOutboundPolicy, type Grant, type OutboundPolicy } from "./policy.ts"
import { type HeaderPairs, outgoingHeaders, statedLength } from "./request-headers.ts"

export interface EgressOptions {
  readonly rules: readonly OutboundRule[]
  /** Name of the app, for what its developer reads. */
  readonly app: string
  /** Of Polyhost, for `User-Agent`. */
  readonly version: string
  /** Finds the addresses of a name; by the system where none is given. */
  readonly resolve?: Resolve
  /** Certificates to trust in place of the system's. */
  readonly ca?: string
  readonly timeouts?: Partial<OutboundTimeouts>
}

export interface Egress {
  /** Answers one call: the handler of a CallServer. */
  call(call: ServerCall): void
  /** Ends every request and every connection of the app. */
  close(): void
}

const TIMEOUTS: OutboundTimeouts = { connectMs: 10_000, headMs: 60_000, idleMs: 300_000 }
/** The system's resolver has few threads, and they are the whole cell's. */
const LOOKUPS_AT_ONCE = 2
/** 16 MiB each at worst. */
const LARGE_DECODERS_AT_ONCE = 8
const MOST_WAITING = 256

export function createEgress(options: EgressOptions): Egress {
  const policy = createOutboundPolicy(options.rules, options.app)
  const client: HttpClient = {
    agents: createAgents(options.ca),
    resolve: options.resolve ?? resolveBySystem,
    lookups: new Gate(LOOKUPS_AT_ONCE, MOST_WAITING),
    decoders: new Gate(LARGE_DECODERS_AT_ONCE, MOST_WAITING),
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  }
  const userAgent = `Polyhost/${options.version}`
  const open = new Set<OutboundRequest>()
  let isClosed = false

  return {
    call(call) {
      const asked = isClosed ? "the app has ended" : checked(call, policy)
      if (typeof asked === "string") {
        call.fail("refused", asked)
        return
      }
      const request = carryOut(call, asked, { client, userAgent, ended: () => open.delete(request) })
      if (!call.done) open.add(request)
    },
    close() {
      isClosed = true
      for (const request of open) request.abort("the app has ended")
      open.clear()
      client.agents.close()
    },
  }
}

interface Asked {
  readonly url: URL
  readonly grant: Grant
}

/** @returns the reason when the call is not allowed. */
function checked({ head }: ServerCall, policy: OutboundPolicy): Asked | string {
  const url = URL.canParse(head.url) ? new URL(head.url) : null
  if (url === null) return `${head.url} is not a URL`
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `${url.protocol} is not fetched, only http: and https:`
  if (/^(connect|trace|track)$/i.test(head.method)) return `the method ${head.method} is not allowed`
  const grant = policy.grant(url)
  return "refused" in grant ? grant.refused : { url, grant }
}

interface Means {
  readonly client: HttpClient
  readonly userAgent: string
  readonly ended: () => void
}

function carryOut(
  call: ServerCall,
  { url, grant }: Asked,
  { client, userAgent, ended }: Means,
): OutboundRequest {
  const { method, hasBody } = call.head
  const stated = pairs(headerList(latin1(call.head.lines)))
  const body = { hasBody, bodyBytes: statedLength(stated) }
  const headers = outgoingHeaders(stated, body, userAgent)
  let answer: Answering | null = null
  const request = new OutboundRequest(client, { url, method, headers, ...body }, grant, {
    answered(response, readable) {
      if (answerHead(call, response)) {
        answer = new Answering(call, request, readable, client.timeouts.idleMs)
        readable.once("close", ended)
        return
      }
      request.abort(HEAD_TOO_LARGE)
      call.fail("failed", HEAD_TOO_LARGE)
      ended()
    },
    failed(error) {
      call.fail(failureOf(error), reasonOf(error))
      ended()
    },
  })
  call.events = {
    requestBody(chunk, end) {
      if (chunk.length > 0) request.write(chunk, () => call.credit(chunk.length))
      if (end) request.end()
    },
    drained: () => answer?.drained(),
    left() {
      answer?.left()
      request.abort("nobody waits for the answer")
      ended()
    },
  }
  return request
}

function pairs(list: readonly string[]): HeaderPairs {
  const found: [string, string][] = []
  for (let at = 0; at + 1 < list.length; at += 2) found.push([list[at] ?? "", list[at + 1] ?? ""])
  return found
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
}
