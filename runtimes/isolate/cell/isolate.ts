/**
 * One isolate: an instance of an app in a cell. Pumps bytes between the host's socket and the inside, a turn at a time, loads the app,
 * and ends the isolate when it goes over a limit. The cell's loop never runs code of the app. Counterpart: `inside/`.
 */
import { connect, type Socket } from "node:net"
import type ivm from "isolated-vm"
import { type ClientErrorCode, messageOf, PolyhostError } from "../../../protocol/errors.ts"
import type { StartOrder } from "../../cell/cell-messages.ts"
import type { CellMember, InstanceReport } from "../../cell/inside/run-cell.ts"
import type { CellInspector } from "../../inspect/inside/cell-session.ts"
import type { IsolateInspector } from "../../inspect/inside/isolate-inspector.ts"
import { createOps } from "../ops/index.ts"
import { EgressLine } from "./egress-line.ts"
import type { IsolateFactory } from "./factory.ts"
import { GuestContext } from "./guest-context.ts"
import { Lane } from "./lane.ts"
import { CpuShare } from "./limits/cpu-share.ts"
import { requestTally } from "./limits/frame-tally.ts"
import { OutputBudget } from "./limits/output-budget.ts"
import type { Watch, Watched } from "./limits/watch.ts"
import type { Bundler } from "./modules/bundler.ts"
import { Positions } from "./modules/positions.ts"

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
/** The least CPU time for loading an app, which is no request. */
const LOAD_CPU_MS = 10_000
/** How long V8 has to end an isolate. Native code that does not look up (JSON.parse of a bomb) takes longer. */
const DISPOSE_MS = 500

export class IsolateMember implements CellMember, Watched {
  readonly residentLimitBytes: number
  readonly #order: StartOrder
  readonly #report: InstanceReport
  readonly #parts: IsolateParts
  readonly #memoryBytes: number
  readonly #isolate: ivm.Isolate
  readonly #share = new CpuShare()
  readonly #tally = requestTally({
    opened: (stream) => this.#share.opened(stream),
    closed: (stream) => this.#share.closed(stream),
  })
  readonly #output = new OutputBudget(performance.now())
  readonly #lane: Lane
  readonly #socket: Socket
  #positions: Positions | undefined
  #inspector: IsolateInspector | undefined
  /** The call into the isolate that runs now. */
  #running: Promise<unknown> | null = null
  #loading = true
  #lastCpuMs = 0
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
      onCatastrophicError: (message) => this.#catastrophe(message),
    })
    this.#lane = this.#newLane()
    this.#socket = this.#connect()
    this.#load().catch((error: unknown) => this.#dispose(messageOf(error), "APP_CRASHED"))
  }

  async kill(reason: string): Promise<void> {
    await this.#dispose(reason, "APP_CRASHED")
  }

  inspector(): CellInspector | null {
    return this.#inspector ?? null
  }

  // The inside

  #newLane(): Lane {
    const order = this.#order
    const { factory } = this.#parts
    const ops = createOps({
      wake: (ms) => lane.wakeAfter(ms),
      print: (stream, text) => this.#print(stream, text),
    })
    const guest = new GuestContext(this.#isolate, factory, {
      config: {
        token: order.guest.token,
        version: process.versions.node,
        pid: process.pid,
        env: order.env,
        bindings: order.guest.bindings ?? [],
        oneRequest: false,
      },
      functions: {
        send: (bytes) => this.#send(bytes),
        sendEgress: (bytes) => {
          if (bytes instanceof ArrayBuffer) lane.egress.receive(bytes)
        },
        wake: (ms) => lane.wakeAfter(Number(ms)),
        print: ops.print,
        evaluated: () => {
          this.#loading = false
        },
        fatal: (why) => this.#broken(String(why)),
        barrier: () => undefined,
        domainToASCII: ops.domainToASCII,
        random: ops.random,
        begin(id, method, request) {
          ops.subtle(method, request).then((answer) => lane.settle({ id, answer }))
        },
      },
      inspect: order.inspect,
    })
    if (order.inspect) this.#inspector ??= factory.inspector(this.#isolate, guest.context)
    const egress = new EgressLine({
      app: order.app,
      outbound: order.outbound,
      deliver: (bytes) => lane.receiveEgress(bytes),
      violated: (reason) => void this.#dispose(reason, "APP_PROTOCOL_ERROR"),
    })
    const lane = new Lane(guest, egress, () => this.#pump())
    return lane
  }

  #connect(): Socket {
    const socket = connect(this.#order.guest.channel)
    socket.on("data", (chunk: Uint8Array) => {
      this.#tally.fromHost.push(chunk)
      this.#lane.receive(chunk)
      if (this.#lane.waitingBytes > MOST_WAITING_BYTES) socket.pause()
    })
    socket.on("error", () => undefined)
    socket.once("close", () => void this.#dispose("the host closed the channel", "APP_CRASHED"))
    return socket
  }

  async #load(): Promise<void> {
    const { guest } = this.#lane
    const { dir, entry } = this.#order
    try {
      const bundle = await this.#parts.bundler.bundle(dir, entry)
      this.#positions = new Positions(bundle)
      const evaluate = await guest.link(this.#isolate, bundle)
      await this.#enter(evaluate)
    } catch (error) {
      if (!this.#disposed(error)) await this.#loadFailed(error)
    }
  }

  async #loadFailed(error: unknown): Promise<void> {
    this.#loading = false
    const { message, stack } = this.#described(error)
    await this.#enter(() => this.#lane.guest.failed("RUNTIME_LOAD_FAILED", message, stack))
  }

  // Turns

  /** Runs a turn when there is something for it and none is running. */
  #pump(): void {
    const lane = this.#lane
    if (this.#running !== null || this.#end !== undefined || !lane.hasWork) return
    void this.#enter(() => {
      const input = lane.take()
      if (this.#socket.isPaused()) this.#socket.resume()
      return lane.guest.turn(input)
    })
  }

  /** Everything that goes into the isolate goes through here, one call at a time. */
  async #enter(call: () => Promise<unknown>): Promise<void> {
    while (this.#running !== null) await this.#running
    if (this.#end !== undefined) return
    this.#share.beginTurn(this.#cpuMs())
    this.#parts.watch.started(this)
    let rejection: { reason: unknown } | undefined
    const running = call().then(
      () => this.#leave(),
      (error: unknown) => {
        this.#leave()
        if (!this.#disposed(error))
          rejection = { reason: error instanceof Error ? withoutCell(error) : error }
      },
    )
    this.#running = running
    await running
    if (rejection === undefined) return this.#pump()
    const { reason } = rejection
    // A module that threw, now or after an await of its own.
    if (this.#loading) return this.#loadFailed(reason)
    await this.#enter(() => this.#lane.guest.rejected(reason))
  }

  #leave(): void {
    this.#running = null
    this.#parts.watch.stopped(this)
    if (this.#end !== undefined || this.#isolate.isDisposed) return
    const cpuMs = this.#cpuMs()
    const most = this.#share.most(cpuMs)
    this.#share.endTurn(cpuMs)
    this.#checkSoft(most)
  }

  #send(bytes: unknown): void {
    if (this.#end !== undefined || !(bytes instanceof ArrayBuffer)) return
    const chunk = new Uint8Array(bytes)
    this.#tally.fromIsolate.push(chunk)
    this.#socket.write(chunk)
    if (this.#socket.writableLength > MOST_UNSENT_BYTES)
      void this.#dispose("it sent more than its host reads", "APP_PROTOCOL_ERROR")
  }

  #broken(why: string): void {
    void this.#dispose(`the guest broke: ${this.#mapped(why)}`, "APP_CRASHED")
  }

  // Limits

  checkCpu(): void {
    if (this.#end !== undefined || this.#inspector?.isOpen) return
    if (this.#isolate.isDisposed) {
      this.#outOfMemory()
      return
    }
    const { cpuMs } = this.#order
    const used = this.#cpuMs()
    const limit = cpuMs ?? Number.POSITIVE_INFINITY
    if (this.#loading) {
      if (used > Math.max(limit, LOAD_CPU_MS))
        void this.#dispose(
          `it used more than ${Math.max(limit, LOAD_CPU_MS)} ms of CPU time to load`,
          "APP_CPU_LIMIT",
        )
      return
    }
    const most = this.#share.most(used)
    if (most > limit)
      void this.#dispose(
        `a request used more than the ${limit} ms of CPU time that it may (limits.cpu)`,
        "APP_CPU_LIMIT",
      )
  }

  #checkSoft(most: number): void {
    const { cpuSoftMs } = this.#order
    if (this.#inspector?.isOpen || cpuSoftMs === null || most <= cpuSoftMs || this.#retired || this.#loading)
      return
    this.#retired = true
    this.#report.retire(
      `a request used more than ${cpuSoftMs} ms of CPU time (limits.cpuSoft)`,
      "APP_CPU_LIMIT",
    )
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

  /** V8 ends an isolate for its memory from a thread of its own: between two looks it may be gone. */
  #cpuMs(): number {
    try {
      this.#lastCpuMs = Number(this.#isolate.cpuTime) / 1e6
    } catch {
      // The last that was seen is the most that it used.
    }
    return this.#lastCpuMs
  }

  // The end

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
    this.#lane.close()
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

  // Words

  #print(stream: "stdout" | "stderr", text: string): void {
    if (this.#end !== undefined) return
    const kept = this.#output.take(`${this.#mapped(text)}\n`, performance.now())
    if (kept !== undefined) this.#report.output(stream, kept)
  }

  #mapped(text: string): string {
    return this.#positions?.mapped(text) ?? text
  }

  #described(error: unknown): { message: string; stack: string } {
    if (error instanceof PolyhostError) return { message: error.message, stack: "" }
    if (!(error instanceof Error)) return { message: `the entry threw ${String(error)}`, stack: "" }
    const stack = this.#mapped(withoutCell(error).stack ?? "")
    const place = /app:\/\/\/([^\s)]+:\d+:\d+)/.exec(this.#mapped(`${error.message} ${stack}`))?.[1]
    const message = this.#mapped(`${error.name}: ${error.message}`)
    return {
      message: place === undefined || message.includes(place) ? message : `${place}: ${message}`,
      stack,
    }
  }
}

/** The part of a stack that lies in the cell is nobody's business. */
function withoutCell(error: Error): Error {
  const at = error.stack?.indexOf("\n    at (<isolated-vm boundary>)") ?? -1
  if (at !== -1) error.stack = error.stack?.slice(0, at) ?? ""
  return error
}

async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const settled = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return settled
}
