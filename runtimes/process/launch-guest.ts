/**
 * Launches an instance with a guest in it: starts the process, waits for its guest to connect and to say that the app
 * is ready, and makes the instance. When that fails nothing is left: no process, token or socket file.
 */
import { lstat, readdir, rm } from "node:fs/promises"
import { delimiter, dirname, join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { PROTOCOL_VERSION, WINDOW_BYTES } from "../../protocol/frames.ts"
import type { HostConnection } from "../../protocol/host-connection.ts"
import type { StartupComplete } from "../../protocol/messages.ts"
import type { AppSpec } from "../app-spec.ts"
import type { CommandLine } from "../command-line.ts"
import { GUEST_VARIABLE, type GuestConfig } from "../guest-config.ts"
import type { Instance, LaunchOptions, OutputSink, ResolvedRuntime } from "../runtime.ts"
import { type Child, startChild } from "./child.ts"
import type { Launchpad } from "./launchpad.ts"
import { ProcessInstance } from "./process-instance.ts"
import { createUpstream } from "./upstream/upstream.ts"

export interface GuestLaunch {
  readonly spec: AppSpec
  readonly resolved: ResolvedRuntime
  readonly commandLine: CommandLine
  readonly options: LaunchOptions
  /** How the names of its private sockets begin. */
  readonly prefix: string
}

/** @throws PolyhostError RUNTIME_SPAWN_FAILED, RUNTIME_LOAD_FAILED, RUNTIME_INTERFACE_UNKNOWN, or the signal's reason. */
export async function launchGuest(launchpad: Launchpad, launch: GuestLaunch): Promise<Instance> {
  const { spec, resolved, commandLine, options, prefix } = launch
  options.signal.throwIfAborted()
  const start = new GuestStart()
  const expectation = launchpad.endpoint.expect((connection) => {
    connection.welcome({
      protocol: PROTOCOL_VERSION,
      app: {
        name: spec.name,
        dir: spec.dir,
        entry: spec.entry ?? "",
        generation: options.generation,
        instance: options.instanceId,
      },
      interface: guestInterface(spec),
      socketDir: launchpad.runDir,
      socketPrefix: prefix,
      windowBytes: WINDOW_BYTES,
    })
    return start.connected(connection, options.output)
  })
  const config: GuestConfig = {
    channel: launchpad.endpoint.path,
    token: expectation.token,
    runtime: resolved.name as GuestConfig["runtime"],
    entry: spec.entry ?? "",
    interface: guestInterface(spec),
    socketDir: launchpad.runDir,
    socketPrefix: prefix,
    mainIsGuest: commandLine.mainIsGuest,
  }
  const tail = new OutputTail(options.output)
  let child: Child | undefined
  try {
    child = await startChild({
      file: resolved.path,
      args: commandLine.args,
      cwd: spec.dir,
      env: {
        ...launchpad.baseEnv,
        // `node` in a child process of the app shall be the one that runs the app.
        PATH: [dirname(resolved.path), launchpad.baseEnv["PATH"]].filter(Boolean).join(delimiter),
        ...commandLine.env,
        ...spec.env,
        [GUEST_VARIABLE]: JSON.stringify(config),
      },
      output: tail,
      watchdog: launchpad.watchdog,
    })
    options.onSpawn(child.pid)
    const { connection, ready } = await firstOf(start, child, options.signal)
    const upstream =
      ready.interface === "server" ? createUpstream({ path: await ownSocket(ready.path) }) : null
    const instance = new ProcessInstance({
      id: options.instanceId,
      runtime: resolved,
      interface: ready.interface,
      child,
      connection,
      upstream,
      files: () => privateSockets(launchpad.runDir, prefix),
    })
    start.handOver(instance)
    return instance
  } catch (error) {
    expectation.cancel()
    start.abandon()
    child?.signal("SIGKILL")
    const exit = await child?.exited
    for (const file of await privateSockets(launchpad.runDir, prefix)) await rm(file, { force: true })
    throw describe(error, launch, { tail, exit: exit?.reason })
  }
}

function guestInterface(spec: AppSpec): "auto" | "fetch" | "server" {
  return spec.interface === "fetch" || spec.interface === "server" ? spec.interface : "auto"
}

/** The events of a connection until the app is ready; afterwards they belong to the instance. */
class GuestStart {
  readonly ready: Promise<{ connection: HostConnection; ready: StartupComplete }>
  #resolve!: (value: { connection: HostConnection; ready: StartupComplete }) => void
  #reject!: (error: Error) => void
  #connection: HostConnection | undefined
  #instance: ProcessInstance | undefined
  #closed: { reason: string; violation: boolean } | undefined

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.ready.catch(() => undefined)
  }

  connected(connection: HostConnection, output: OutputSink) {
    this.#connection = connection
    return {
      started: (ready: StartupComplete) => this.#resolve({ connection, ready }),
      startFailed: (failure: { code: string; message: string }) =>
        this.#reject(
          new PolyhostError(
            failure.code === "RUNTIME_INTERFACE_UNKNOWN" ? failure.code : "RUNTIME_LOAD_FAILED",
            failure.message,
          ),
        ),
      log: (log: { level: string; message: string }) => {
        output.line("log", `${log.level}: ${log.message}`)
      },
      shutdownComplete: () => this.#instance?.shutdownComplete(),
      closed: (reason: string, violation: boolean) => {
        this.#closed = { reason, violation }
        this.#instance?.connectionClosed(reason, violation)
        if (violation) this.#reject(new PolyhostError("PROTOCOL_VIOLATION", reason))
      },
    }
  }

  handOver(instance: ProcessInstance): void {
    this.#instance = instance
    if (this.#closed !== undefined) instance.connectionClosed(this.#closed.reason, this.#closed.violation)
  }

  abandon(): void {
    this.#connection?.close("the start failed")
  }
}

async function firstOf(start: GuestStart, child: Child, signal: AbortSignal) {
  const { promise, stop } = aborted(signal)
  try {
    return await Promise.race([
      start.ready,
      promise,
      child.exited.then((exit) => {
        throw new PolyhostError("RUNTIME_LOAD_FAILED", `it ended before it was ready (${exit.reason})`)
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

/**
 * The path lies in the run folder under the guest's own name (P4 saw to that); it must also be a socket itself and not
 * a link to another, which the host would then talk to.
 */
async function ownSocket(path: string): Promise<string> {
  if ((await lstat(path)).isSocket()) return path
  throw new PolyhostError(
    "PROTOCOL_VIOLATION",
    `the app's server path ${JSON.stringify(path)} is not a socket`,
  )
}

/** The private sockets that a guest uses at most before it asks for more than an app usually has. */
export function privateSocketPaths(runDir: string, prefix: string): string[] {
  return ["0", "1", "2", "3"].map((name) => join(runDir, `${prefix}${name}.sock`))
}

async function privateSockets(runDir: string, prefix: string): Promise<string[]> {
  const names = await readdir(runDir).catch(() => [])
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(runDir, name))
}

/** A stack with its message and the code that it quotes. */
const TAIL_LINES = 30

/** The last lines of output, for the message of a start that failed. */
class OutputTail implements OutputSink {
  readonly #sink: OutputSink
  readonly #lines: string[] = []

  constructor(sink: OutputSink) {
    this.#sink = sink
  }

  get text(): string {
    return this.#lines.join("\n")
  }

  /** The line that names the error, as node, bun and deno print it; "" when there is none. */
  get error(): string {
    return this.#lines.find((line) => /^(?:Uncaught )?(?:\w*Error\b|error\b)/.test(line)) ?? ""
  }

  line(stream: "stdout" | "stderr" | "log", text: string): boolean {
    if (stream === "stderr") {
      this.#lines.push(stripVTControlCharacters(text))
      if (this.#lines.length > TAIL_LINES) this.#lines.shift()
    }
    return this.#sink.line(stream, text)
  }

  onDrain(resume: () => void): void {
    this.#sink.onDrain(resume)
  }
}

function describe(
  error: unknown,
  { spec, resolved }: GuestLaunch,
  { tail, exit }: { tail: OutputTail; exit: string | undefined },
): PolyhostError {
  const code = error instanceof PolyhostError ? error.code : "RUNTIME_LOAD_FAILED"
  let message = messageOf(error)
  if (exit !== undefined && code === "RUNTIME_LOAD_FAILED" && !message.includes(exit)) message += ` (${exit})`
  if (exit !== undefined && tail.error !== "") message += `: ${tail.error}`
  const output = tail.text === "" ? "" : `\n${tail.text}`
  return new PolyhostError(
    code,
    `App "${spec.name}" (${resolved.name} ${resolved.version}) did not start: ${message}${output}`,
    { cause: error },
  )
}
