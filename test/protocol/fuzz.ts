/**
 * Fuzzer for the host's side: a guest that mostly follows the protocol and now and then breaks it in a random way.
 * `node test/protocol/fuzz.ts --seconds 60 --seed 1`; a failing case prints its seed, and `--seed N --cases 1` repeats it.
 * The lint judges the same bytes independently: it and the connection must agree on who broke a rule.
 */
import {
  CALL_WINDOW_BYTES,
  FLAG_END,
  FrameType,
  HEADER_BYTES,
  MESSAGE_COST_BYTES,
  WINDOW_BYTES,
} from "../../protocol/frames.ts"
import { HostileGuest } from "./hostile-guest.ts"
import type { MemoryExchange } from "./memory-exchange.ts"
import * as make from "./raw-frames.ts"
import { encodeRaw, type RawFrame, raw } from "./raw-frames.ts"

export interface FuzzResult {
  readonly cases: number
  readonly violations: number
  readonly exchanges: number
  readonly answered: number
  /** WebSocket connections that guests accepted, and messages that came through. */
  readonly sockets: number
  readonly messages: number
  readonly failure: { seed: number; problem: string } | null
}

/** Runs cases from `seed` on until one fails, `cases` are done or `untilMs` (of `performance.now`) has come. */
export function fuzz(options: { seed: number; cases: number; untilMs: number }): FuzzResult {
  let [cases, violations, exchanges, answered, sockets, messages] = [0, 0, 0, 0, 0, 0]
  for (let seed = options.seed; cases < options.cases && performance.now() < options.untilMs; seed++) {
    const run = new Case(seed)
    const problem = run.run()
    if (problem !== null)
      return { cases, violations, exchanges, answered, sockets, messages, failure: { seed, problem } }
    cases++
    if (run.guest.violated) violations++
    exchanges += run.guest.exchanges.length
    sockets += run.guest.acceptor.ends.length
    for (const { received } of run.guest.acceptor.ends) messages += received.length
    answered += run.guest.exchanges.filter(({ endings }) => endings[0]?.kind === "end").length
  }
  return { cases, violations, exchanges, answered, sockets, messages, failure: null }
}

interface GuessedSocket {
  accepted: boolean
  window: number
  /** A message has begun: its kind. */
  unfinished: boolean | null
  closing: boolean
}

class Case {
  readonly guest = new HostileGuest()
  readonly #random: () => number
  /** What this guest believes of its streams; it is right as long as it follows the protocol. */
  readonly #streams = new Map<number, { head: boolean; window: number }>()
  readonly #sockets = new Map<number, GuessedSocket>()
  readonly #past: RawFrame[] = []
  readonly #hostility: number
  #lastId = 0
  /** The same of its calls. */
  readonly #open = new Map<number, { ended: boolean; window: number }>()
  #lastCall = 0
  #answeredBytes = 0
  #pinged = false
  #sentBytes = 0

  constructor(seed: number) {
    this.#random = mulberry32(seed)
    this.#hostility = this.#pick([0, 0.005, 0.02, 0.1, 0.5])
  }

  /** A sentence about what went wrong, or null. */
  run(): string | null {
    try {
      if (!this.#chance(this.#hostility)) {
        this.#deliver([make.hello()])
        this.#deliver([this.#chance(0.03) ? make.startFailed() : make.startedWithSockets()])
      }
      const steps = 5 + this.#below(120)
      for (let step = 0; step < steps; step++) {
        this.#step()
        const problem = this.#check()
        if (problem !== null) return problem
      }
      this.guest.end()
      return this.#check() ?? this.#checkEnd()
    } catch (error) {
      return `thrown: ${error instanceof Error ? error.stack : String(error)}`
    }
  }

  #step(): void {
    const connection = this.guest.host.connection
    const dice = this.#random()
    if (dice < 0.1) this.#answerCall()
    else if (dice < 0.2) this.#serve()
    else if (dice < 0.25) this.#any(this.guest.exchanges)?.leave()
    else if (dice < 0.35) this.#any(this.guest.exchanges)?.read(this.#below(WINDOW_BYTES))
    else if (dice < 0.37) {
      this.guest.turn()
      const silent = this.guest.pipe.writtenBytes
      connection.ping()
      this.guest.turn()
      this.#pinged ||= this.guest.pipe.writtenBytes > silent
    } else if (dice < 0.372) connection.shutdown("stop", 1)
    else if (dice < 0.374) connection.close("the host closes")
    else if (dice < 0.39) this.guest.turn()
    else if (dice < 0.43) this.#actAsClient()
    else if (dice < 0.44) this.guest.nowMs += this.#below(2000)
    else this.#deliver(Array.from({ length: 1 + this.#below(4) }, () => this.#frame()))
  }

  #serve(): void {
    if (this.guest.exchanges.length >= 40) return
    if (this.#chance(0.3)) return this.#connect()
    const body = this.#chance(0.3) ? new Uint8Array(this.#below(400_000)) : undefined
    const takes = this.#chance(0.5) ? this.#below(100_000) : Number.POSITIVE_INFINITY
    const before = this.guest.host.connection.inFlight
    this.guest.serve(body === undefined ? { takes } : { body, takes })
    if (this.guest.host.connection.inFlight > before)
      this.#streams.set(++this.#lastId, { head: false, window: WINDOW_BYTES })
    if (this.#chance(0.8)) this.guest.turn()
  }

  #connect(): void {
    this.guest.acceptor.takes = this.#chance(0.5) ? this.#below(100_000) : Number.POSITIVE_INFINITY
    const before = this.guest.host.connection.inFlight
    this.guest.serve({ head: { upgrade: "websocket" } })
    if (this.guest.host.connection.inFlight > before) {
      const socket = { accepted: false, window: WINDOW_BYTES, unfinished: null, closing: false }
      this.#sockets.set(++this.#lastId, socket)
    }
    if (this.#chance(0.8)) this.guest.turn()
  }

  #actAsClient(): void {
    const end = this.#any(this.guest.acceptor.ends)
    if (end === undefined) return
    const bytes = this.#pick([0, 1, 500, 70_000, 300_000])
    this.#answeredBytes += bytes * 1.01 + 200
    if (this.#chance(0.5)) end.message(this.#chance(0.5) ? "x".repeat(bytes) : new Uint8Array(bytes))
    else if (this.#chance(0.7)) end.read(this.#below(WINDOW_BYTES))
    else end.closed(this.#pick([1000, 1001, 1005, 1006, 4999]), "by chance")
  }

  #honestSocketFrame(): RawFrame | null {
    const id = this.#any([...this.#sockets.keys()])
    if (id === undefined) return null
    const socket = this.#sockets.get(id)!
    if (!socket.accepted) {
      socket.accepted = true
      if (this.#chance(0.8)) return make.accept(id, { lines: this.#pick(["", "a: b\r\n"]) })
      this.#sockets.delete(id)
      return this.#chance(0.5) ? make.response(id, { end: true }) : make.disconnect(id, 4)
    }
    if (socket.closing || this.#chance(0.05)) {
      this.#sockets.delete(id)
      return make.disconnect(id, 4)
    }
    if (this.#chance(0.1) && socket.unfinished === null) {
      socket.closing = true
      return make.close(id, this.#pick([1000, 1011, 3000, 4999]), "bye")
    }
    const most = socket.window - MESSAGE_COST_BYTES
    const bytes = Math.min(most, this.#pick([0, 1, 900, 30_000, 200_000]))
    if (bytes < 0) return null
    const end = bytes === 0 || this.#chance(0.6)
    const text: boolean = socket.unfinished ?? this.#chance(0.5)
    socket.window -= MESSAGE_COST_BYTES + bytes
    socket.unfinished = end ? null : text
    return make.message(id, bytes, { end, text })
  }

  #frame(): RawFrame {
    const frame = this.#chance(this.#hostility) ? this.#hostileFrame() : this.#honestFrame()
    this.#past.push(frame)
    return frame
  }

  #honestFrame(): RawFrame {
    if (this.#pinged) {
      this.#pinged = false
      return raw(FrameType.pong, 0)
    }
    if (this.#chance(0.3)) return this.#honestCall()
    const ofSocket = this.#chance(0.4) ? this.#honestSocketFrame() : null
    if (ofSocket !== null) return ofSocket
    const id = this.#any([...this.#streams.keys()])
    if (id === undefined || this.#chance(0.05)) return make.log("x".repeat(this.#below(50)))
    const stream = this.#streams.get(id)!
    const bytes = Math.min(stream.window, this.#pick([1, 3, 900, 2000, 20_000, 70_000]))
    const end = this.#chance(0.15)
    if (this.#chance(0.03) || (bytes === 0 && !end)) {
      this.#streams.delete(id)
      return make.disconnect(id, 4)
    }
    stream.window -= bytes
    const frame = stream.head ? make.body(id, bytes, end) : make.response(id, { body: bytes, end })
    stream.head = true
    if (end) this.#streams.delete(id)
    return frame
  }

  /** The other side of what this guest calls. */
  #answerCall(): void {
    this.#answeredBytes += 120_000
    const ask = this.#any(this.guest.asks)
    if (ask !== undefined && this.#chance(0.5)) ask.answer(this.#below(3), new Uint8Array(this.#below(5000)))
    const call = this.#any(this.guest.calls)
    if (call === undefined) return
    const end = this.#chance(0.3)
    if (this.#chance(0.1)) call.fail("failed", "by chance")
    else if (!call.responded) {
      const head = { status: 200, reason: "", lines: new Uint8Array(0) }
      call.respond(head, this.#chance(0.5) ? null : new Uint8Array(this.#below(20_000)), end)
    } else if (call.id % 3 === 0) call.write(new Uint8Array(this.#below(90_000)), end)
    else call.credit(0)
  }

  #honestCall(): RawFrame {
    const id = this.#any([...this.#open.keys()])
    if (id === undefined || (this.#open.size < 20 && this.#chance(0.3))) {
      const next = ++this.#lastCall
      if (this.#chance(0.3)) return make.store(next, { op: 1 + this.#below(4), key: this.#below(513) })
      const end = this.#chance(0.5)
      this.#open.set(next, { ended: end, window: CALL_WINDOW_BYTES })
      return make.call(next, { end, lines: this.#pick(["", "a: b\r\n"]), cause: this.#below(3) })
    }
    const call = this.#open.get(id)!
    const bytes = Math.min(call.window, this.#pick([1, 900, 30_000]))
    if (call.ended || bytes === 0 || this.#chance(0.1)) {
      this.#open.delete(id)
      return make.ofCall(make.disconnect(id))
    }
    call.window -= bytes
    call.ended = this.#chance(0.2)
    return make.ofCall(make.body(id, bytes, call.ended))
  }

  #hostileFrame(): RawFrame {
    const id = this.#below(this.guest.exchanges.length + 2)
    const frame = this.#pick<() => RawFrame>([
      () => this.#mutated(this.#honestFrame()),
      () => this.#mutated(this.#honestFrame()),
      () => this.#any(this.#past) ?? make.hello(),
      () => make.credit(id, this.#pick([0, 1, 1000, 0xffff_ffff])),
      () => make.disconnect(id, this.#below(256)),
      () => make.response(id, { status: this.#below(1000), end: this.#chance(0.5) }),
      () =>
        make.response(id, {
          lines: this.#pick(["a: b", "\r\n", "a: \0\r\n", `a: ${"x".repeat(70_000)}\r\n`]),
        }),
      () => make.body(id, this.#pick([0, 1, 262_144]), this.#chance(0.5)),
      () => make.request(id),
      () =>
        make.call(
          this.#lastCall + this.#below(3),
          this.#pick([{}, { method: "" }, { lines: "a" }, { end: false }]),
        ),
      () => make.store(this.#lastCall + 1, { op: this.#below(7), value: this.#pick([0, 1, 131_073]) }),
      () =>
        make.ofCall(
          make.body(this.#below(this.#lastCall + 2), this.#pick([0, 1, 70_000]), this.#chance(0.5)),
        ),
      () => make.ofCall(make.credit(this.#below(this.#lastCall + 2), this.#pick([0, 1, 0xffff_ffff]))),
      () => make.ofCall(make.disconnect(this.#below(this.#lastCall + 2), this.#below(256))),
      () => make.ofCall(make.response(this.#below(this.#lastCall + 2))),
      () => make.connect(id),
      () => make.accept(id, this.#pick([{}, { subprotocol: "a b" }, { subprotocol: "x" }, { lines: "a" }])),
      () =>
        make.message(id, this.#pick([0, 1, 262_144]), { end: this.#chance(0.5), text: this.#chance(0.5) }),
      () => make.close(id, this.#pick([0, 999, 1000, 1005, 5000]), this.#pick(["", "x".repeat(124)])),
      () => make.output(this.#below(3), this.#below(4)),
      () => this.#pick([make.hello, make.started, make.startFailed, make.shutdownComplete, make.shutdown])(),
      () => raw(FrameType.pong, 0),
      () => raw(this.#below(256), this.#below(3), this.#junk(this.#below(100)), this.#below(3)),
      () => raw(FrameType.log, 0, this.#junk(this.#below(100))),
    ])()
    return frame
  }

  #mutated(frame: RawFrame): RawFrame {
    const { payload } = frame
    const flipped = payload.slice()
    if (flipped.length > 0) flipped[this.#below(Math.min(16, flipped.length))] = this.#below(256)
    return this.#pick<() => RawFrame>([
      () => ({ ...frame, type: this.#below(42) }),
      () => ({ ...frame, flags: this.#pick([FLAG_END, 2, 3, 4, 255]) }),
      () => ({ ...frame, stream: this.#pick([0, this.#below(50), 2 ** 48 - 1, 2 ** 32]) }),
      () => ({ ...frame, payload: flipped }),
      () => ({ ...frame, payload: payload.subarray(0, this.#below(payload.length + 1)) }),
      () => ({ ...frame, length: this.#pick([0, 1, payload.length + 1, 262_145, 0xffff_ffff]) }),
    ])()
  }

  #deliver(frames: readonly RawFrame[]): void {
    this.guest.turn()
    let bytes: Uint8Array = Buffer.concat(frames.map(encodeRaw))
    if (this.#chance(this.#hostility / 10)) bytes = this.#junk(this.#below(300))
    this.#sentBytes += bytes.length
    if (this.#chance(0.7)) return this.guest.sendBytes(bytes)
    const at = this.#below(Math.min(bytes.length, HEADER_BYTES * 2) + 1)
    this.guest.sendBytes(bytes.slice(0, at))
    this.guest.sendBytes(bytes.slice(at))
  }

  #check(): string | null {
    const { host, exchanges, hostBreaches, guestBreaches, pipe, acceptor } = this.guest
    const open = exchanges.filter((exchange) => !exchange.finished).length
    if (host.connection.inFlight > open) return `${host.connection.inFlight} streams for ${open} exchanges`
    if (hostBreaches.length > 0) return `the host broke ${hostBreaches.join("; ")}`
    for (const exchange of exchanges) {
      if (exchange.misuse.length > 0) return `misuse of an exchange: ${exchange.misuse.join(", ")}`
      if (exchange.endings.length > 1) return `ended ${exchange.endings.length} times`
    }
    for (const { misuse } of acceptor.ends)
      if (misuse.length > 0) return `misuse of a client's end: ${misuse}`
    const requestBytes = exchanges.reduce((sum, { head }) => sum + 200 + head.bodyBytes * 1.01, 0)
    const mostBytes = 2000 + requestBytes + this.#answeredBytes + this.#sentBytes
    if (pipe.writtenBytes > mostBytes) return `the host wrote ${pipe.writtenBytes} bytes`
    return this.#checkVerdict(guestBreaches, pipe.closedBy ?? "")
  }

  /** The lint is stricter on late frames and on what precedes welcome, the connection on fields of JSON. */
  #checkVerdict(breaches: readonly string[], closedBy: string): string | null {
    const poisoned = closedBy.startsWith("protocol violation")
    if (poisoned && breaches.length === 0 && !closedBy.includes("malformed"))
      return `poisoned for nothing that the lint saw: ${closedBy}`
    const sure = breaches.find((breach) => /^P(1|4|5|6|11|12) /.test(breach))
    if (sure !== undefined && closedBy === "") return `not poisoned, though the guest broke ${sure}`
    return null
  }

  #checkEnd(): string | null {
    const { host, exchanges } = this.guest
    if (host.closes.length !== 1) return `closed ${host.closes.length} times`
    if (host.connection.inFlight !== 0) return "streams after the end"
    if (this.#hostility === 0 && host.closes[0]?.violation)
      return `poisoned an honest guest: ${host.closes[0].reason}`
    if (!this.guest.acceptor.ends.every(({ isEnding }) => isEnding)) return "a connection that nobody ended"
    const requests = exchanges.filter((exchange: MemoryExchange) => !exchange.upgraded)
    const without = requests.filter((exchange: MemoryExchange) => exchange.endings.length !== 1).length
    return without === 0 ? null : `${without} exchanges never ended`
  }

  #junk(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => this.#below(256))
  }

  #any<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)]
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }
}

function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const at = process.argv.indexOf(`--${name}`)
    return at < 0 ? otherwise : Number(process.argv[at + 1])
  }
  const untilMs = performance.now() + option("seconds", 60) * 1000
  const seed = option("seed", 1)
  const result = fuzz({ seed, cases: option("cases", Number.POSITIVE_INFINITY), untilMs })
  console.log(result)
  if (result.failure !== null) process.exitCode = 1
}
