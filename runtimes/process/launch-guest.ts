/**
 * Launches an instance that is a process with a guest in it: starts it, waits until its guest says that the app is ready,
 * and makes the instance. When that fails nothing is left: no process, token or socket file.
 */
import { delimiter, dirname } from "node:path"
import type { AppSpec } from "../app-spec.ts"
import type { CommandLine } from "../command-line.ts"
import { GUEST_VARIABLE, type GuestConfig } from "../guest-config.ts"
import type { ProcessInspector } from "../inspect/process-inspector.ts"
import type { Instance, LaunchOptions, ResolvedRuntime } from "../runtime.ts"
import { type Child, startChild } from "./child.ts"
import { GuestStart, guestReady } from "./guest-start.ts"
import type { Launchpad } from "./launchpad.ts"
import { ownSocket, removePrivateSockets } from "./private-sockets.ts"
import { ProcessInstance } from "./process-instance.ts"
import { OutputTail, startFailure } from "./start-failure.ts"
import { createUpstream } from "./upstream/upstream.ts"

export interface GuestLaunch {
  readonly spec: AppSpec
  readonly resolved: ResolvedRuntime
  readonly commandLine: CommandLine
  readonly options: LaunchOptions
  /** How the names of its private sockets begin. */
  readonly prefix: string
  readonly inspector: ProcessInspector
}

/** @throws PolyhostError RUNTIME_SPAWN_FAILED, RUNTIME_LOAD_FAILED, RUNTIME_INTERFACE_UNKNOWN, or the signal's reason. */
export async function launchGuest(launchpad: Launchpad, launch: GuestLaunch): Promise<Instance> {
  const { spec, resolved, commandLine, options, prefix, inspector } = launch
  options.signal.throwIfAborted()
  const start = new GuestStart(launchpad, { spec, options, prefix, output: options.output })
  const config: GuestConfig = {
    ...start.config,
    runtime: resolved.name as GuestConfig["runtime"],
    mainIsGuest: commandLine.mainIsGuest,
  }
  const tail = new OutputTail(inspector.sink(options.output))
  const removeFiles = (): Promise<void> => removePrivateSockets(launchpad.runDir, prefix)
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
    inspector.spawned(child.pid)
    options.onSpawn(child.pid)
    const { connection, ready } = await guestReady(start, child.exited, options.signal)
    const upstream =
      ready.interface === "server" ? createUpstream({ path: await ownSocket(ready.path) }) : null
    const instance = new ProcessInstance({
      id: options.instanceId,
      runtime: resolved,
      interface: ready.interface,
      child,
      connection,
      upstream,
      removeFiles,
      inspector,
    })
    start.handOver(instance)
    return instance
  } catch (error) {
    start.abandon()
    child?.signal("SIGKILL")
    const exit = await child?.exited
    await removeFiles()
    throw startFailure(error, launch, { tail, exit: exit?.reason })
  }
}
