/**
 * The start of a guest, wherever it lives: waits for it to connect with its token, welcomes it, and has the events of its
 * connection until its instance exists, whose they are then. Owns no process. Counterpart: `runtimes/guest/main.ts`.
 */
import { type ClientErrorCode, PolyhostError } from "../../protocol/errors.ts"
import { PROTOCOL_VERSION, WINDOW_BYTES } from "../../protocol/frames.ts"
import type { HostConnection } from "../../protocol/host-connection.ts"
import type { StartupComplete, Welcome } from "../../protocol/messages.ts"
import type { AppSpec } from "../app-spec.ts"
import type { GuestConfig } from "../guest-config.ts"
import type { Instance, LaunchOptions, OutputSink } from "../runtime.ts"
import type { Expectation, GuestEvents } from "./endpoint.ts"
import type { Launchpad } from "./launchpad.ts"
import { OutputLines } from "./output-lines.ts"

export interface GuestLaunchParts {
  readonly spec: AppSpec
  readonly options: LaunchOptions
  /** How the names of its private sockets begin. */
  readonly prefix: string
  readonly output: OutputSink
}

/** An instance that hears of its guest. */
export interface GuestInstance extends Instance {
  connectionClosed(reason: string, violation: boolean): void
  shutdownComplete(): void
  /** Its channel ended by itself. `finish` lets the connection know; without it, its exchanges wait. Else it knows at once. */
  channelEnded?(reason: string, finish: () => void): void
}

export interface GuestReady {
  readonly connection: HostConnection
  readonly ready: StartupComplete
}

export class GuestStart {
  readonly ready: Promise<GuestReady>
  readonly #launchpad: Launchpad
  readonly #parts: GuestLaunchParts
  readonly #expectation: Expectation
  #resolve!: (value: GuestReady) => void
  #reject!: (error: Error) => void
  #connection: HostConnection | undefined
  #instance: GuestInstance | undefined
  #closed: { reason: string; violation: boolean } | undefined

  constructor(launchpad: Launchpad, parts: GuestLaunchParts) {
    this.#launchpad = launchpad
    this.#parts = parts
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.ready.catch(() => undefined)
    this.#expectation = launchpad.endpoint.expect((connection) => this.#connected(connection))
  }

  /** What the guest is told before it connects, but what depends on where it lives. */
  get config(): Omit<GuestConfig, "runtime" | "mainIsGuest"> {
    const { spec, prefix, options } = this.#parts
    return {
      channel: this.#launchpad.endpoint.path,
      token: this.#expectation.token,
      entry: spec.entry ?? "",
      interface: guestInterface(spec),
      socketDir: this.#launchpad.runDir,
      socketPrefix: prefix,
      bindings: options.bindings.list,
    }
  }

  handOver(instance: GuestInstance): void {
    this.#instance = instance
    if (this.#closed !== undefined) instance.connectionClosed(this.#closed.reason, this.#closed.violation)
  }

  /** Nobody is expected any more, and who came is sent away. */
  abandon(): void {
    this.#expectation.cancel()
    this.#connection?.close("the start failed")
  }

  #connected(connection: HostConnection): GuestEvents {
    const { spec, options, prefix, output } = this.#parts
    this.#connection = connection
    const stdout = new OutputLines("stdout", output)
    const stderr = new OutputLines("stderr", output)
    const { bindings } = options
    const handlers = bindings.handlers((stream) => connection.exchangeOf(stream))
    const welcome: Welcome = {
      protocol: PROTOCOL_VERSION,
      app: {
        name: spec.name,
        dir: spec.dir,
        entry: spec.entry ?? "",
        generation: options.generation,
        instance: options.instanceId,
      },
      interface: guestInterface(spec),
      socketDir: this.#launchpad.runDir,
      socketPrefix: prefix,
      windowBytes: WINDOW_BYTES,
      bindings: bindings.list,
    }
    connection.welcome(welcome, handlers, options.webSockets)
    return {
      started: (ready) => this.#resolve({ connection, ready }),
      startFailed: (failure) =>
        this.#reject(
          new PolyhostError(
            failure.code === "RUNTIME_INTERFACE_UNKNOWN" ? failure.code : "RUNTIME_LOAD_FAILED",
            failure.message,
          ),
        ),
      log: (log) => {
        output.line("log", `${log.level}: ${log.message}`)
      },
      output: (stream, bytes) => (stream === "stdout" ? stdout : stderr).push(bytes),
      shutdownComplete: () => this.#instance?.shutdownComplete(),
      channelEnded: (reason, finish) => {
        if (this.#instance?.channelEnded === undefined) finish()
        else this.#instance.channelEnded(reason, finish)
      },
      closed: (reason, violation) => {
        stdout.end()
        stderr.end()
        this.#closed = { reason, violation }
        this.#instance?.connectionClosed(reason, violation)
        if (violation) this.#reject(new PolyhostError("PROTOCOL_VIOLATION", reason))
      },
    }
  }
}

/**
 * Waits until the guest is ready. Rejects with what happened first: the signal's reason, or the end of where it lives
 * (`exited`, with a sentence).
 */
export async function guestReady(
  start: GuestStart,
  exited: Promise<{ readonly reason: string; readonly cause?: ClientErrorCode }>,
  signal: AbortSignal,
): Promise<GuestReady> {
  const { promise, stop } = aborted(signal)
  try {
    return await Promise.race([
      start.ready,
      promise,
      exited.then((exit) => {
        const { reason, cause } = exit
        const code = cause === "APP_OOM" || cause === "APP_CPU_LIMIT" ? cause : "RUNTIME_LOAD_FAILED"
        throw new PolyhostError(code, `it ended before it was ready (${reason})`)
      }),
    ])
  } finally {
    stop()
  }
}

function aborted(signal: AbortSignal): { promise: Promise<never>; stop: () => void } {
  let stop: () => void = () => undefined
  const promise = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener("abort", onAbort, { once: true })
    stop = () => signal.removeEventListener("abort", onAbort)
  })
  return { promise, stop }
}

export function guestInterface(spec: AppSpec): "auto" | "fetch" | "server" {
  return spec.interface === "fetch" || spec.interface === "server" ? spec.interface : "auto"
}
