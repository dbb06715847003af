/**
 * Runtime `command`: any program that listens on `$PORT` (loopback) or on the unix socket `$POLYHOST_SERVER_SOCKET`.
 * There is no guest in it: it is ready when one of the two accepts a connection, and it is stopped by signals.
 */
import { constants } from "node:fs"
import { access, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../app-spec.ts"
import { type Child, startChild } from "../process/child.ts"
import type { Launchpad } from "../process/launchpad.ts"
import { ProcessInstance } from "../process/process-instance.ts"
import type { UpstreamAddress } from "../process/upstream/address.ts"
import { createUpstream } from "../process/upstream/upstream.ts"
import type { LaunchOptions, ResolvedRuntime, Runtime } from "../runtime.ts"

/** How often a program that is starting is asked whether it listens, in milliseconds. It has no way to say so. */
const PROBE_MS = 20

export function createRuntime(launchpad: Launchpad): Runtime {
  return {
    name: "command",
    capabilities: { installable: false, interfaces: ["server"], guest: false, inspector: null, entry: false },
    resolve: async () => ({ name: "command", version: "", path: "" }),
    launch: (spec, resolved, options) => launch(launchpad, { spec, resolved, options }),
  }
}

async function launch(
  launchpad: Launchpad,
  { spec, resolved, options }: { spec: AppSpec; resolved: ResolvedRuntime; options: LaunchOptions },
): Promise<ProcessInstance> {
  options.signal.throwIfAborted()
  const [file = "", ...args] = spec.command ?? []
  const socket = join(launchpad.runDir, `${launchpad.nextPrefix()}c.sock`)
  const port = await freePort()
  const child = await startChild({
    file,
    args,
    cwd: spec.dir,
    env: {
      ...launchpad.baseEnv,
      HOST: "127.0.0.1",
      ...spec.env,
      PORT: String(port),
      POLYHOST_SERVER_SOCKET: socket,
    },
    output: options.output,
    watchdog: launchpad.watchdog,
  }).catch(async (error: unknown) => {
    throw await notStarted(spec, file, error)
  })
  options.onSpawn(child.pid)
  try {
    const address = await firstListening(
      [{ path: socket }, { host: "127.0.0.1", port }],
      child,
      options.signal,
    )
    return new ProcessInstance({
      id: options.instanceId,
      runtime: resolved,
      interface: "server",
      child,
      connection: null,
      upstream: createUpstream(address),
      inspector: null,
      removeFiles: () => rm(socket, { force: true }),
    })
  } catch (error) {
    child.signal("SIGKILL")
    const exit = await child.exited
    if (error instanceof PolyhostError) throw error
    throw new PolyhostError(
      "RUNTIME_LOAD_FAILED",
      `App "${spec.name}" (command ${file}) ended before it listened on $PORT or $POLYHOST_SERVER_SOCKET (${exit.reason})`,
      { cause: error },
    )
  }
}

/** A program that is not there is not there at the next try either; whatever else kept it from starting may pass. */
async function notStarted(spec: AppSpec, file: string, error: unknown): Promise<PolyhostError> {
  const cause = error instanceof PolyhostError ? error.cause : error
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? ""
  const subject = `App "${spec.name}" (command)`
  // The system says the same of a working directory that is gone.
  const isMissing = ["ENOENT", "EACCES", "ENOTDIR"].includes(reason) && (await canEnter(spec.dir))
  if (!isMissing) {
    return new PolyhostError("RUNTIME_SPAWN_FAILED", `${subject}: ${messageOf(error)}`, { cause: error })
  }
  const message = `${subject}: "${file}" is not a program that can be run (${reason}). Correct "command" or install it, then start the app again`
  return new PolyhostError("RUNTIME_PROGRAM_NOT_FOUND", message, { cause: error })
}

async function canEnter(dir: string): Promise<boolean> {
  return access(dir, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function firstListening(
  addresses: readonly UpstreamAddress[],
  child: Child,
  signal: AbortSignal,
): Promise<UpstreamAddress> {
  while (true) {
    signal.throwIfAborted()
    if (!child.alive) throw new Error("the program ended")
    for (const address of addresses) if (await accepts(address)) return address
    await new Promise((resolve) => setTimeout(resolve, PROBE_MS))
  }
}

function accepts(address: UpstreamAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ ...address })
    const settle = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", settle(true))
    socket.once("error", settle(false))
  })
}

/** A loopback port that nobody listens on at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
