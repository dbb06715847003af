/**
 * One isolate: an instance of an app in a cell. Pumps bytes between the host's socket and the inside, a turn at a time, loads the app,
 * and ends the isolate when it goes over a limit. The cell's loop never runs code of the app. Counterpart: `inside/`.
 */
import { connect, type Socket } from "node:net"
import type ivm from "isolated-vm"
import { type ClientErrorCode, messageOf } from "../../../protocol/errors.ts"
import type { StartOrder } from "../../cell/cell-messages.ts"
import type { CellMember, InstanceReport } from "../../cell/inside/run-cell.ts"
import type { CellInspector } from "../../inspect/inside/cell-session.ts"
import type { IsolateInspector } from "../../inspect/inside/isolate-inspector.ts"
import type { IsolateFactory } from "./factory.ts"
import type { Lane } from "./lane.ts"
import { CpuClock } from "./limits/cpu-clock.ts"
import { CpuLimits } from "./limits/cpu-limits.ts"
import { CpuShare } from "./limits/cpu-share.ts"
import { requestTally } from "./limits/frame-tally.ts"
import type { Watch, Watched } from "./limits/watch.ts"
import { type LaneParts, makeLane, makeLaneLater } from "./make-lane.ts"
import type { Bundle, Bundler } from "./modules/bundler.ts"
import { RequestContexts } from "./request-contexts.ts"
import { OneContext, type Routing, type Surroundings } from "./routing.ts"
import { settlesWithin } from "./settles-within.ts"
import { Words, withoutCell } from "./words.ts"

export interface IsolateParts {
  readonly factory: IsolateFactory
  readonly bundler: Bundler
  readonly watch: Watch
}

const MEBIBYTE = 1024 * 1024
const DEFAULT_MEMORY_BYTES = 128 * MEBIBYTE
/** What may wait for the isolate before the host is asked to wait. */
const MOST_WAITING_BYTES = MEBIBYTE
/** What may wait for the host. Its windows allow for less: an isolate that sends more does not keep to them. */
const MOST_UNSENT_BYTES = 64 * MEBIBYTE
/** How long V8 has to end an isolate. Native code that does not look up (JSON.parse of a bomb) takes longer. */
const DISPOSE_MS = 500

export class IsolateMember implements CellMember, Watched {
  readonly residentLimitBytes: number
  readonly clock = new CpuClock(() => this.#isolate.cpuTime)
  readonly #order: StartOrder
  readonly #report: InstanceReport
  readonly #parts: IsolateParts
  readonly #memoryBytes: number
  readonly #isolate: ivm.Isolate
  readonly #limits: CpuLimits
  readonly #share = new CpuShare()
  readonly #tally = requestTally({
    opened: (stream) => this.#share.opened(stream),
    closed: (stream) => this.#share.closed(stream),
    passed: (stream) => this.#share.passed(stream),
  })
  readonly #words: Words
  readonly #routing: Routing
  readonly #socket: Socket
  #inspector: IsolateInspector | undefined
  /** The call into the isolate that runs now. */
  #running: Promise<unknown> | null = null
  #retired = false
  #end: Promise<void> | undefined

  constructor(order: StartOrder, report: InstanceReport, parts: IsolateParts) {
    this.#order = order
    this.#report = report
    this.#parts = parts
    this.#memoryBytes = Math.max(8 * MEBIBYTE, order.memoryBytes ?? DEFAULT_MEMORY_BYTES)
    this.residentLimitBytes = 2 * this.#memoryBytes + 64 * MEBIBYTE
    this.#isolate = parts.factory.isolate({
      memoryBytes: this.#memoryBytes,
      inspect: order.inspect,
      isLast: order.fillsCell,
      onCatastrophicError: (message) => this.#catastrophe(message),
    })
    this.#limits = new CpuLimits(order)
    this.#words = new Words(report)
    const surroundings = this.#surroundings()
    this.#routing =
      order.policy === "perRequest" ? new RequestContexts(surroundings) : new OneContext(surroundings)
    this.#socket = this.#connect()
    this.#routing
      .load(this.#bundled())
      .catch((error: unknown) => this.#dispose(messageOf(error), "APP_CRASHED"))
  }

  async kill(reason: string): Promise<void> {
    await this.#dispose(reason, "APP_CRASHED")
  }

  inspector(): CellInspector | null {
    return this.#inspector ?? null
  }

  #surroundings(): Surroundings {
    const order = this.#order
    const { factory } = this.#parts
    const shared: Omit<LaneParts, "oneRequest" | "send"> = {
      isolate: this.#isolate,
      factory,
      order,
      print: (stream, text) => {
        if (this.#end === undefined) this.#words.print(stream, text)
      },
      ofApp: (text) => this.#words.ofApp(text),
      broken: (why) => void this.#dispose(`the guest broke: ${this.#words.mapped(why)}`, "APP_CRASHED"),
      violated: (reason) => void this.#dispose(reason, "APP_PROTOCOL_ERROR"),
      wanted: () => this.#pump(),
    }
    return {
      memoryBytes: this.#memoryBytes,
      makeLane: (send) => {
        const lane = makeLane({ ...shared, oneRequest: false, send })
        if (order.inspect) this.#inspector ??= factory.inspector(this.#isolate, lane.guest.context)
        return lane
      },
      makeRequestLane: (send) => makeLaneLater({ ...shared, oneRequest: true, send }),
      load: (lane, bundle) => this.#load(lane, bundle),
      loadFailed: async (lane, error) => {
        if (this.#disposed(error)) return
        const { message, stack } = this.#words.described(error)
        await this.#enter(lane, () => lane.guest.failed("RUNTIME_LOAD_FAILED", message, stack))
      },
      toHost: (bytes) => this.#toHost(bytes),
      violated: shared.violated,
    }
  }

  async #load(lane: Lane, bundle: Bundle): Promise<void> {
    try {
      await this.#enter(lane, await lane.guest.link(this.#isolate, bundle))
    } catch (error) {
      if (!this.#disposed(error)) lane.loadFailed(error)
    }
  }

  async #bundled(): Promise<Bundle> {
    const bundle = await this.#parts.bundler.bundle(this.#order.dir, this.#order.entry)
    this.#words.loading(bundle)
    return bundle
  }

  #connect(): Socket {
    const socket = connect(this.#order.guest.channel)
    socket.on("data", (chunk: Uint8Array) => {
      this.#tally.fromHost.push(chunk)
      this.#routing.fromHost(chunk)
      if (this.#waitingBytes() > MOST_WAITING_BYTES) socket.pause()
    })
    socket.on("error", () => undefined)
    socket.once("close", () => void this.#dispose("the host closed the channel", "APP_CRASHED"))
    return socket
  }

  #waitingBytes(): number {
    let bytes = 0
    for (const lane of this.#routing.lanes) bytes += lane.waitingBytes
    return bytes
  }

  #toHost(bytes: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#tally.fromIsolate.push(bytes)
    this.#socket.write(bytes)
    if (this.#socket.writableLength > MOST_UNSENT_BYTES)
      void this.#dispose("it sent more than its host reads", "APP_PROTOCOL_ERROR")
  }

  /** Runs a turn when there is something for it and none is running. */
  #pump(): void {
    if (this.#running !== null || this.#end !== undefined) return
    for (const lane of this.#routing.lanes) {
      if (!lane.hasWork) continue
      void this.#enter(lane, () => {
        const input = lane.take()
        if (this.#socket.isPaused()) this.#socket.resume()
        return lane.guest.turn(input)
      })
      return
    }
  }

  /** Everything that goes into the isolate goes through here, one call at a time. */
  async #enter(lane: Lane, call: () => Promise<unknown>): Promise<void> {
    while (this.#running !== null) await this.#running
    if (this.#end !== undefined) return
    this.#share.beginTurn(this.clock.ms())
    this.#parts.watch.started(this)
    let rejection: { reason: unknown } | undefined
    const running = call().then(
      () => this.#leave(),
      (error: unknown) => {
        this.#leave()
        if (!this.#disposed(error)) rejection = { reason: withoutCell(error) }
      },
    )
    this.#running = running
    await running
    if (rejection === undefined || lane.closed) return this.#pump()
    const { reason } = rejection
    // A module that threw, now or after an await of its own.
    if (!lane.isLoaded) {
      lane.loadFailed(reason)
      return this.#pump()
    }
    await this.#enter(lane, () => lane.guest.rejected(reason))
  }

  #leave(): void {
    this.#running = null
    this.#parts.watch.stopped(this)
    if (this.#end !== undefined || this.#isolate.isDisposed) return
    this.#report.busy(false)
    const cpuMs = this.clock.ms()
    const most = this.#share.most(cpuMs)
    this.#share.endTurn(cpuMs)
    this.#checkSoft(most)
  }

  checkCpu(): void {
    if (this.#end !== undefined || this.#inspector?.isOpen) return
    if (this.#isolate.isDisposed) return this.#outOfMemory()
    const used = this.clock.ms()
    this.#report.busy(this.#limits.isLongTurn(this.#share.ofTurn(used)))
    const over = this.#routing.ready
      ? (this.#limits.overHard(this.#share.most(used)) ?? this.#limits.overWedge(this.#share.turn(used)))
      : this.#limits.overWhileLoading(used)
    if (over !== null) void this.#dispose(over, "APP_CPU_LIMIT")
  }

  #checkSoft(most: number): void {
    const over = this.#limits.overSoft(most)
    if (over === null || this.#retired || !this.#routing.ready || this.#inspector?.isOpen) return
    this.#retired = true
    this.#report.retire(over, "APP_CPU_LIMIT")
  }

  grewTooBig(bytes: number): void {
    this.#poison(`it made its cell grow by ${Math.round(bytes / MEBIBYTE)} MB; ${this.#memoryWords()}`)
  }

  /** V8 lost control of the isolate: its thread never comes back. */
  #catastrophe(message: string): void {
    this.#poison(`${message.replace(/\.$/, "")}; ${this.#memoryWords()}`)
  }

  #poison(reason: string): void {
    if (this.#end !== undefined) return
    this.#report.poisoned(reason, "APP_OOM")
    void this.#dispose(reason, "APP_OOM")
  }

  #memoryWords(): string {
    return `it may use ${Math.round(this.#memoryBytes / MEBIBYTE)} MB (limits.memory)`
  }

  /** True when the error means that the isolate is gone; it is then ended, if not by us, for its memory. */
  #disposed(error: unknown): boolean {
    if (this.#end !== undefined) return true
    const isGone = this.#isolate.isDisposed || /Isolate (?:was|is) disposed/.test(messageOf(error))
    if (!isGone) return false
    this.#outOfMemory()
    return true
  }

  /** What V8 leaves behind when it ran out of memory is not to be trusted for long. */
  #outOfMemory(): void {
    this.#poison(`it used too much memory: ${this.#memoryWords()}`)
  }

  #dispose(reason: string, code: ClientErrorCode): Promise<void> {
    this.#end ??= this.#disposeOnce(reason, code)
    return this.#end
  }

  async #disposeOnce(reason: string, code: ClientErrorCode): Promise<void> {
    const running = this.#running
    this.#routing.close()
    this.#parts.watch.stopped(this)
    try {
      if (!this.#isolate.isDisposed) this.#isolate.dispose()
    } catch {
      // It was disposed in between.
    }
    if (running !== null && !(await settlesWithin(DISPOSE_MS, running)))
      this.#report.poisoned(`${reason}; it could not be ended within ${DISPOSE_MS} ms`, code)
    this.#report.ended({ reason, code, exitCode: null })
    this.#socket.destroy()
    await running
  }
}
