/**
 * The contract of a runtime, and of one running copy of an app. Types only.
 * A runtime knows how to launch an instance and nothing else: when to start, restart, replace and give up is the
 * supervisor's (`host/supervisor/`). Differences between kinds that the host must know are data: `Capabilities`.
 */
import type { CallHandlers } from "../protocol/calls/call-server.ts"
import type { ClientErrorCode } from "../protocol/errors.ts"
import type { Exchange, Untaken } from "../protocol/exchange.ts"
import type { WelcomeBinding } from "../protocol/messages.ts"
import type { WebSocketAcceptor } from "../protocol/websocket.ts"
import type { AppSpec, InterfaceName, RuntimeName } from "./app-spec.ts"
import type { InspectorLink, InspectorProtocol } from "./inspector-link.ts"

export type { InspectorEvents, InspectorLink, InspectorProtocol } from "./inspector-link.ts"

export interface Capabilities {
  /** The toolchain can install versions of it. */
  readonly installable: boolean
  /** Interfaces that an app may use on it. */
  readonly interfaces: readonly InterfaceName[]
  /** A guest runs inside it, so the host gets heartbeats and a graceful stop by message. */
  readonly guest: boolean
  /** What its inspector speaks; null: it has none. */
  readonly inspector: InspectorProtocol | null
  /** It needs an entry file (otherwise a command). */
  readonly entry: boolean
}

export interface Runtime {
  readonly name: RuntimeName
  readonly capabilities: Capabilities
  /** Finds (or installs) what `spec` asks for, without starting anything. Rejects with TOOLCHAIN_… errors. */
  resolve(spec: AppSpec, options: { signal: AbortSignal }): Promise<ResolvedRuntime>
  /**
   * Starts one instance; resolves when it is ready to answer. Rejects with a PolyhostError and leaves nothing
   * behind: no process, socket or file. `options.signal` ends the attempt (start deadline, stop).
   */
  launch(spec: AppSpec, resolved: ResolvedRuntime, options: LaunchOptions): Promise<Instance>
}

export interface ResolvedRuntime {
  readonly name: RuntimeName
  /** Exact version, `22.23.3`; "" where the kind has none (`command`). */
  readonly version: string
  /** Path of the binary; "" where the kind has none. */
  readonly path: string
}

/** What the app of an instance may call, and who answers. */
export interface InstanceBindings {
  readonly list: readonly WelcomeBinding[]
  /** `exchangeOf` finds the request of a connection that the guest says it calls for. */
  handlers(exchangeOf: (stream: number) => Exchange | null): CallHandlers
}

export interface LaunchOptions {
  readonly signal: AbortSignal
  readonly generation: number
  readonly instanceId: string
  /** Start it with its inspector ready, for the kinds that can have one only from their start on. */
  readonly inspect: boolean
  /** The process exists (its pid is known), long before it is ready. */
  readonly onSpawn: (pid: number) => void
  /** A line of the app's output, without its line end. Return false to ask for a pause of the app's output until `resumeOutput`. */
  readonly output: OutputSink
  readonly bindings: InstanceBindings
  /** Ends the WebSocket protocol for fetch apps. */
  readonly webSockets: WebSocketAcceptor
}

export interface OutputSink {
  /** @returns false when the sink is full; the source then waits for `onDrain` callbacks before it reads on. */
  line(stream: "stdout" | "stderr" | "log", text: string): boolean
  onDrain(resume: () => void): void
}

/** Why and how an instance ended. */
export interface Exit {
  /** True when the host asked for it (stop or kill by policy). */
  readonly expected: boolean
  /** One sentence: `exit code 1`, `killed by SIGSEGV`, `protocol violation: …`. */
  readonly reason: string
  /** What requests in flight were answered with: says which limit it went over, if one. */
  readonly cause: ClientErrorCode
  /** It ended because another instance brought their cell down: no failure of its own. */
  readonly collateral: boolean
  readonly code: number | null
  readonly signal: string | null
}

export interface Retirement {
  /** One sentence. */
  readonly reason: string
  /** Set when the app itself is the reason, by a limit that it went over. */
  readonly cause: ClientErrorCode | null
}

/** One running copy of an app, as the host sees it. Its counterpart inside the execution context is the guest. */
export interface Instance {
  readonly id: string
  readonly pid: number
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  /** False from the moment it can answer nothing more: it ended, was killed, or lost its channel. `exited` follows. */
  readonly usable: boolean
  /** Milliseconds since the oldest unanswered heartbeat was sent; 0 when all are answered, or where there are none. */
  silentMs(): number
  /** Sends a heartbeat unless one is unanswered. The app's own event loop answers it. */
  heartbeat(): void
  /**
   * Answers the exchange. Never throws; when the instance dies every exchange in flight fails at once. One that it died before
   * taking anything of is given back: `untaken` is called, and the instance has no more to do with it.
   */
  serve(exchange: Exchange, untaken?: Untaken): void
  /**
   * Ends it politely: the app runs its `close` and finishes its `waitUntil` work (at most `graceMs`), then TERM and, after
   * `killMs`, KILL, both to the whole process group. The caller has drained it first. Callers share one promise.
   */
  stop(options: { graceMs: number; killMs: number }): Promise<Exit>
  /** Ends it now, the whole process group. `reason` is what `exited` and the exchanges in flight report, with `code`. */
  kill(reason: string, code?: ClientErrorCode): void
  /**
   * Settles, if ever, when the instance is to be replaced though it still serves: a replacement is started first, then this one
   * is drained and stopped. Never rejects.
   */
  readonly retiring: Promise<Retirement>
  /**
   * Opens a session with its inspector; one at a time. Works while its event loop stands still. @throws PolyhostError
   * RUNTIME_NO_INSPECTOR for kinds without one, RUNTIME_INSPECTOR_AT_START: only an instance launched with `inspect` has it,
   * RUNTIME_INSPECTOR_FAILED
   */
  openInspector(): Promise<InspectorLink>
  /** Settles once, never rejects. */
  readonly exited: Promise<Exit>
}
