/**
 * Holds a whole Http1Connection against the oracle: with a socket in memory, apps of several kinds (one answers before it has
 * read, one reads in small pieces, one answers later), and what it writes read back.
 */

import type { HostExchange } from "../../host/exchange.ts"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { Http1Connection } from "../../host/listener/http1/connection.ts"
import { createServices } from "../../host/listener/http1/services.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import type { ExchangeHandler } from "../../protocol/exchange.ts"
import { differs, type Verdict } from "./compare.ts"
import { LlhttpOracle } from "./llhttp-oracle.ts"
import { MemorySocket } from "./memory-socket.ts"
import { Random } from "./random.ts"
import { readAnswers } from "./read-answers.ts"
import type { SubjectRequest } from "./subject.ts"

const PEER = { address: "192.0.2.1", scheme: "http", clientCert: "" } as const

export class ConnectionComparison {
  readonly #oracle = new LlhttpOracle()

  judge(bytes: Buffer, cuts: readonly number[], seed: number): Verdict {
    const run = new Run(bytes, cuts, seed)
    try {
      run.run()
    } catch (error) {
      return {
        problem: `thrown: ${error instanceof Error ? error.stack : error}`,
        accepted: 0,
        refused: false,
      }
    }
    const accepted = run.apps.filter(({ request, answered }) => request.whole || answered).length
    const refused = run.refusals.length > 0
    return { problem: run.problem() || this.#compare(bytes, run), accepted, refused }
  }

  #compare(bytes: Buffer, run: Run): string {
    const oracle = this.#oracle
    oracle.start()
    oracle.feed(bytes)
    for (const [index, app] of run.apps.entries()) {
      const theirs = oracle.requests[index]
      if (theirs === undefined) return `request ${index} is refused by llhttp: ${oracle.error}`
      const ours = app.request
      if (ours.whole && !theirs.whole)
        return `the body of request ${index} is not whole for llhttp: ${oracle.error}`
      const difference = differs(ours, theirs)
      if (difference !== "") return `request ${index}: ${difference}`
    }
    return ""
  }
}

class Run {
  readonly apps: App[] = []
  readonly refusals: string[] = []
  readonly socket = new MemorySocket()
  readonly #random: Random
  readonly #bytes: Buffer
  readonly #cuts: readonly number[]
  /** What apps do later. */
  readonly #later: (() => void)[] = []

  constructor(bytes: Buffer, cuts: readonly number[], seed: number) {
    this.#bytes = bytes
    this.#cuts = cuts
    this.#random = new Random(seed ^ 0x5bd1e995)
  }

  run(): void {
    const { socket } = this
    let ids = 0
    const services = createServices({
      settings: DEFAULT_HTTP_SETTINGS,
      errorPages: new Map(),
      ids: { next: () => `id${ids++}` },
      streamed: new StreamedBytes(null),
      handle: (exchange) => this.#handle(exchange),
      refused: ({ code }) => this.refusals.push(code),
    })
    const connection = new Http1Connection(socket.socket, PEER, services, () => undefined)
    socket.onBytes = (bytes) => connection.received(bytes)
    let at = 0
    for (const cut of [...this.#cuts, this.#bytes.length]) {
      if (cut <= at) continue
      socket.receive(this.#bytes.subarray(at, cut))
      at = cut
      if (this.#random.chance(0.2)) socket.takes = !socket.takes
      if (this.#random.chance(0.5)) this.#turn(1)
    }
    socket.takes = true
    this.#turn(Number.POSITIVE_INFINITY)
    this.stuck = socket.isHeldBack && !socket.ended && !socket.destroyed
    this.#ended = socket.ended || socket.destroyed
    socket.emitClose()
  }

  stuck = false
  #ended = false

  /** What is wrong with the answers and the calls, or "". */
  problem(): string {
    if (this.stuck) return "bytes of the client are not read"
    for (const [index, app] of this.apps.entries()) {
      if (app.misuse !== "") return `app ${index}: ${app.misuse}`
      if (!app.exchange.finished) return `exchange ${index} is not finished`
      if (index < this.apps.length - 1 && !app.request.whole && !app.answered)
        return `exchange ${index} was left behind`
    }
    const answers = readAnswers(this.socket.written)
    if (typeof answers === "string") return `${answers} in ${JSON.stringify(this.socket.written)}`
    const owed = this.apps.filter((app) => app.answered)
    for (const [index, app] of owed.entries()) {
      const answer = answers[index]
      if (answer?.body !== app.answer || answer.status !== 200)
        return `answer ${index} is ${JSON.stringify(answer)}`
      if (answer.closes && index < answers.length - 1) return "an answer after Connection: close"
    }
    // The last one's head may be out, and its end not.
    const begun = owed.length < this.apps.length && this.apps.at(-1)?.exchange.responded === true
    const rest = answers.slice(owed.length).filter(({ status }) => !(begun && status === 200))
    if (rest.length > 1) return `${rest.length} refusals`
    const [refusal] = rest
    if (refusal !== undefined && !(refusal.closes && refusal.status >= 400))
      return `refused with ${JSON.stringify(refusal)}`
    if (refusal !== undefined && !this.#ended) return "open after a refusal"
    if (this.refusals.length > 0 && refusal === undefined) return `no answer for ${this.refusals[0]}`
    return ""
  }

  #turn(times: number): void {
    for (let i = 0; i < times; i++) {
      const next = this.#later.splice(this.#random.below(this.#later.length), 1)[0]
      next?.()
      this.socket.turn()
      if (next === undefined && this.#later.length === 0) return
    }
  }

  #handle(exchange: HostExchange): void {
    const app = new App(exchange, this.#random, (work) => this.#later.push(work))
    this.apps.push(app)
    if (this.apps.length > 1 && !this.apps.at(-2)!.exchange.finished) app.misuse = "two at a time"
    app.start()
  }
}

type Manner = "at once" | "after the body" | "while it comes" | "later"

class App implements ExchangeHandler {
  readonly exchange: HostExchange
  readonly request: SubjectRequest
  readonly answer: string
  misuse = ""
  answered = false
  #left = false
  readonly #random: Random
  readonly #later: (work: () => void) => void
  readonly #manner: Manner
  #pulled = 0

  constructor(exchange: HostExchange, random: Random, later: (work: () => void) => void) {
    const { head } = exchange
    const into = Buffer.alloc(head.headerBytes)
    if (head.writeHeaders(into, 0) !== into.length) this.misuse = "headerBytes"
    const lines = into.toString("latin1")
    const host = head.host
    const forwarded = `X-Forwarded-For: ${PEER.address}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ${host}\r\nX-Request-Id: ${exchange.requestId}\r\n`
    if (!lines.endsWith(forwarded)) this.misuse = `lines ${JSON.stringify(lines)}`
    // The host adds its own line in the place of an absolute target's, or of none.
    const hostLine = `Host: ${host}\r\n`
    const block = lines.slice(0, lines.length - forwarded.length)
    this.exchange = exchange
    this.request = {
      method: head.method,
      target: head.target,
      isHttp10: "isHttp10" in head && head.isHttp10 === true,
      keepsAlive: false,
      lines: [block],
      hostLine,
      body: "",
      trailers: [],
      whole: head.bodyBytes === 0,
      authority: host,
      hostReplaced: false,
      expectsContinue: head.expectsContinue,
      end: 0,
      unread: head.bodyBytes !== 0,
    }
    this.#random = random
    this.#later = later
    this.#manner = random.pick<Manner>(["at once", "after the body", "while it comes", "later"])
    this.answer = head.method === "HEAD" ? "" : "a".repeat(random.below(20))
  }

  start(): void {
    this.exchange.attach(this)
    if (this.#manner === "at once") this.#respond(true)
    else if (this.#manner === "later") this.#later(() => this.#respond(true))
    else if (this.#manner === "while it comes") this.#respond(false)
    if (this.#manner === "at once") return
    if (this.request.whole) this.#whole()
    else this.#pull()
  }

  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    if (this.#left || this.request.whole) this.misuse = "a body after its end"
    this.#pulled -= chunk.length
    if (this.#pulled < 0) this.misuse = "more than was asked for"
    this.request.unread = false
    this.request.body += Buffer.from(chunk).toString("latin1")
    if (trailers !== undefined) this.request.trailers = [Buffer.from(trailers).toString("latin1")]
    if (end) this.#whole()
    else if (this.#pulled === 0) {
      if (this.#random.chance(0.5)) this.#later(() => this.#pull())
      else this.#pull()
    }
  }

  drained(): void {}

  left(): void {
    if (this.#left) this.misuse = "left twice"
    this.#left = true
  }

  #pull(): void {
    if (this.#left || this.exchange.finished) return
    if (this.#random.chance(0.3)) this.exchange.inform(100, new Uint8Array(0))
    const bytes = this.#random.pick([1, 3, 100, 1_000_000])
    this.#pulled += bytes
    this.exchange.pull(bytes)
  }

  #whole(): void {
    this.request.whole = true
    if (this.#manner === "after the body") this.#respond(true)
    else if (this.#manner === "while it comes") this.#end()
  }

  #respond(end: boolean): void {
    if (this.#left || this.exchange.finished) return
    const body = Buffer.from(this.answer, "latin1")
    this.exchange.respond({ status: 200, reason: "", lines: new Uint8Array(0) }, end ? body : null, end)
    if (end) this.answered = true
  }

  #end(): void {
    if (this.#left || this.exchange.finished) return
    this.answered = true
    this.exchange.write(Buffer.from(this.answer, "latin1"), true)
  }
}
