/**
 * App: one app of the host: admits its requests, lets them wait, gives each to an instance, and says what it is doing.
 * How instances come and go is `fleet.ts`; this file owns the exchanges and their deadlines.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { GoAwayCode, Untaken } from "../../protocol/exchange.ts"
import type { AppSpec, ErrorPages } from "../../runtimes/app-spec.ts"
import type { ExchangeOwner, HostExchange } from "../exchange.ts"
import type { Logger } from "../log/logger.ts"
import { Deadlines } from "./deadlines.ts"
import { Fleet, type FleetServices } from "./fleet.ts"
import { Front, type FrontServices } from "./front.ts"
import { type Inspectable, type Inspection, inspectable, openInspection } from "./inspection.ts"
import { Queue } from "./queue.ts"
import { Silence } from "./silence.ts"
import type { Slot } from "./slot.ts"
import { createSticky, type Sticky } from "./sticky.ts"
import { UploadGate } from "./upload-gate.ts"

/** How long after a crash waiting requests are held back from the instance that may be gone, in milliseconds. */
const CRASH_SETTLES_MS = 20

export type AppServices = FleetServices & FrontServices

export class App implements ExchangeOwner {
  readonly name: string
  readonly spec: AppSpec
  readonly fleet: Fleet
  readonly #log: Logger
  readonly #queue: Queue
  readonly #requests: Deadlines
  readonly #silence: Silence
  readonly #sticky: Sticky | null
  readonly #uploads: UploadGate
  readonly #front: Front
  #stopping = false

  constructor(spec: AppSpec, services: AppServices) {
    this.name = spec.name
    this.spec = spec
    this.#log = services.log
    this.#queue = new Queue(spec)
    this.#silence = new Silence(spec.timeouts.streamMs)
    this.#sticky = createSticky(spec, () => this.fleet.slots)
    this.#front = new Front(spec, services, {
      pass: (exchange) => this.#enter(exchange),
      released: (exchange) => this.#release(exchange),
    })
    this.#requests = new Deadlines(spec.timeouts.requestMs, (exchange) => {
      // Somebody stands at a breakpoint: its time begins again.
      if (exchange.ticket.slot?.inspected)
        this.#requests.add(exchange.ticket.request, exchange, performance.now())
      else exchange.giveUp("REQUEST_TIMEOUT", `no answer within ${spec.timeouts.requestMs} ms`, "timeout")
    })
    this.#uploads = new UploadGate(spec.concurrency * spec.instances.max, (exchange) => {
      if (!exchange.finished) this.#place(exchange)
    })
    this.fleet = new Fleet(spec, services, {
      capacity: () => this.#serveWaiting(),
      unavailable: (detail) => this.#failWaiting(detail),
    })
  }

  get errorPages(): ErrorPages {
    return this.spec.errorPages
  }

  get waiting(): number {
    return this.#queue.length
  }

  retryAfterSeconds(): number {
    return this.fleet.retryAfterSeconds()
  }

  /** Answers the exchange, now or later; never throws. */
  admit(exchange: HostExchange): void {
    exchange.owner = this
    this.#requests.add(exchange.ticket.request, exchange, performance.now())
    if (!this.#front.serve(exchange)) this.#enter(exchange)
  }

  /** @throws PolyhostError RUNTIME_NO_INSPECTOR */
  inspectable(): Inspectable {
    return inspectable({ fleet: this.fleet, spec: this.spec, log: this.#log })
  }

  /** A session with the inspector of an instance. @throws PolyhostError, see `inspection.ts` */
  inspect(instanceId: string | null): Promise<Inspection> {
    return openInspection({ fleet: this.fleet, spec: this.spec, log: this.#log }, instanceId)
  }

  // Events of exchanges

  responded(exchange: HostExchange, ended: boolean): void {
    this.#requests.remove(exchange.ticket.request)
    if (!ended) this.#silence.add(exchange)
  }

  upgraded(exchange: HostExchange): void {
    this.#requests.remove(exchange.ticket.request)
    this.#silence.add(exchange)
    const { slot } = exchange.ticket
    if (slot === null) return
    slot.sockets.add(exchange)
    slot.exchangeEnded(performance.now())
    this.#serveWaiting()
  }

  bodyArrived(exchange: HostExchange): void {
    this.#uploads.bodyArrived(exchange)
  }

  ended(exchange: HostExchange, code: ClientErrorCode | null, detail: string): void {
    const { ticket } = exchange
    this.#requests.remove(ticket.request)
    this.#silence.delete(exchange)
    this.#front.ended(exchange)
    this.#uploads.ended(exchange)
    const { slot } = ticket
    if (slot !== null) {
      ticket.slot = null
      if (slot.sockets.delete(exchange)) slot.socketEnded(performance.now())
      else slot.exchangeEnded(performance.now())
      if (this.#queue.length > 0) {
        // The end of an instance shows on its many sockets one after the other: what waits must not go to the next of them.
        if (code === "APP_CRASHED") setTimeout(() => this.#serveWaiting(), CRASH_SETTLES_MS).unref()
        else this.#serveWaiting()
      }
    }
    this.#queue.ended(exchange)
    if (code !== null) {
      const { requestId } = exchange
      this.#log.request(this.name, slot?.id ?? null, { requestId, code, detail })
      // The other limits end an instance; this one would be seen in the log alone.
      if (code === "REQUEST_TIMEOUT" && slot !== null && !exchange.upgraded)
        this.fleet.lastError = {
          code,
          message: `App "${this.name}": request ${requestId}: ${detail}`,
          at: new Date(),
        }
    }
  }

  /** Once a second or so: silent streams, heartbeats, idle instances. */
  tick(nowMs: number): void {
    this.#silence.tick(nowMs)
    this.fleet.tick(nowMs)
  }

  /**
   * Serves what is admitted, then ends every instance. New requests are answered 503. Sockets are told `code` at once: 1012 when
   * another generation is there for them.
   */
  async stop(code: GoAwayCode = 1001): Promise<void> {
    for (const slot of this.fleet.slots) slot.sockets.goAway(code)
    if (this.#queue.length > 0 && this.fleet.state === "running") {
      this.#stopping = true
      await Promise.race([this.#queue.emptied(), delay(this.spec.timeouts.drainMs)])
      this.#stopping = false
    }
    await this.fleet.stop(code)
    this.#failWaiting("the app was stopped")
  }

  /** Resolves when no file is being sent, or after the drain time. */
  filesSent(): Promise<void> {
    return this.#front.sent()
  }

  close(): void {
    this.#requests.close()
    this.#queue.close()
    this.#front.close()
  }

  /** It is for an instance. */
  #enter(exchange: HostExchange): void {
    if (this.spec.limits.requestBodyBytes !== Number.POSITIVE_INFINITY) {
      exchange.limitBody(this.spec.limits.requestBodyBytes)
      if (exchange.finished) return
    }
    if (!exchange.bodyArriving || this.#uploads.admit(exchange)) this.#place(exchange)
  }

  #place(exchange: HostExchange): void {
    const own = this.#sticky === null ? null : this.#sticky.slotOf(exchange)
    const slot = own ?? (this.#queue.hasAny ? null : this.fleet.pick())
    if (slot !== null && slot.inFlight < this.spec.concurrency) this.#serve(exchange, slot)
    else this.#wait(exchange, own)
  }

  /** `own`: no other instance will do. */
  #wait(exchange: HostExchange, own: Slot | null): void {
    const refusal = this.#stopping ? "the app is stopping" : this.fleet.refusal()
    if (refusal !== null) {
      exchange.fail("APP_UNAVAILABLE", refusal)
      return
    }
    if (this.#queue.add(exchange, own)) this.fleet.demand(this.#queue.length)
    else exchange.fail("QUEUE_FULL", `${this.spec.queue.max} requests wait already`)
  }

  #serve(exchange: HostExchange, slot: Slot): void {
    exchange.ticket.slot = slot
    slot.inFlight++
    slot.recentDepth = exchange.ticket.depth
    slot.requests++
    const fronted = this.#front.of(exchange)
    const answered = this.#sticky === null ? fronted : this.#sticky.filter(exchange, fronted, slot)
    slot.instance?.serve(answered, (delivered) => this.#giveBack(exchange, delivered))
  }

  /** Its instance died before it took the request, or took it but may be followed by another: the next one answers it. */
  #giveBack(exchange: HostExchange, delivered: Parameters<Untaken>[0]): void {
    if (delivered !== undefined) {
      if (exchange.ticket.retried) return exchange.fail(delivered.code, delivered.detail)
      exchange.ticket.retried = true
    }
    exchange.ticket.slot?.exchangeEnded(performance.now())
    exchange.ticket.slot = null
    this.#place(exchange)
  }

  /** The instance has handed the exchange over: a file is sent in its place. */
  #release(exchange: HostExchange): void {
    const { slot } = exchange.ticket
    if (slot === null) return
    exchange.ticket.slot = null
    slot.exchangeEnded(performance.now())
    this.#serveWaiting()
  }

  #serveWaiting(): void {
    for (const exchange of this.#queue.takeHeld(this.spec.concurrency)) this.#place(exchange)
    while (this.#queue.hasAny) {
      const slot = this.fleet.pick()
      if (slot === null) return
      const exchange = this.#queue.take()
      if (exchange === undefined) return
      this.#serve(exchange, slot)
    }
  }

  #failWaiting(detail: string): void {
    for (const exchange of this.#queue.takeAll()) exchange.fail("APP_UNAVAILABLE", detail)
  }
}

/** Resolves after `ms`, or never when that is Infinity; does not keep the process alive. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms !== Number.POSITIVE_INFINITY) setTimeout(resolve, ms).unref()
  })
}
