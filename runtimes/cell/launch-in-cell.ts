/**
 * Launches an instance in a cell: finds it a place, gives the order, waits until its guest says that the app is ready. When that
 * fails nothing is left of the instance; the cell lives on for others. Starts in one cell do not wait for each other.
 */
import type { AppSpec } from "../app-spec.ts"
import { GuestLink } from "../process/guest-link.ts"
import { GuestStart, guestReady } from "../process/guest-start.ts"
import type { Launchpad } from "../process/launchpad.ts"
import { ownSocket, removePrivateSockets } from "../process/private-sockets.ts"
import { OutputTail, startFailure } from "../process/start-failure.ts"
import { createUpstream } from "../process/upstream/upstream.ts"
import type { Instance, LaunchOptions, ResolvedRuntime } from "../runtime.ts"
import { CellInstance } from "./cell-instance.ts"
import type { CellGuest, StartOrder } from "./cell-messages.ts"
import type { CellPool, CellWish } from "./cell-pool.ts"
import { Tenancy } from "./tenancy.ts"

export interface CellLaunch {
  readonly spec: AppSpec
  readonly resolved: ResolvedRuntime
  readonly options: LaunchOptions
  readonly wish: CellWish
  readonly guest: CellGuest["runtime"]
  /** Variables that the app sees. */
  readonly env: Readonly<Record<string, string>>
}

/** @throws PolyhostError RUNTIME_SPAWN_FAILED, RUNTIME_LOAD_FAILED, APP_OOM, APP_CPU_LIMIT, RUNTIME_INTERFACE_UNKNOWN, or the signal's reason. */
export async function launchInCell(
  launchpad: Launchpad,
  pool: CellPool,
  launch: CellLaunch,
): Promise<Instance> {
  const { spec, resolved, options, wish } = launch
  options.signal.throwIfAborted()
  const place = await pool.enter(wish)
  const tail = new OutputTail(options.output)
  const prefix = launchpad.nextPrefix()
  const removeFiles = (): Promise<void> => removePrivateSockets(launchpad.runDir, prefix)
  const start = new GuestStart(launchpad, { spec, options, prefix, output: tail })
  const { timeouts } = spec
  const tenancy = new Tenancy({
    id: options.instanceId,
    app: spec.name,
    output: tail,
    replacedWithinMs: timeouts.startMs + timeouts.drainMs + timeouts.killMs,
    wedgeMs: timeouts.wedgeMs,
  })
  options.onSpawn(place.cell.pid)
  place.admit(orderFor(launch, start), tenancy)
  try {
    const ended = tenancy.ended.then(({ reason, code }) => ({ reason, cause: code }))
    const { connection, ready } = await guestReady(start, ended, options.signal)
    const path = ready.interface === "server" ? await ownSocket(ready.path) : null
    const { cell } = place
    // An isolate's inspector is made with it.
    const guestIsThread = launch.guest === "node"
    const instance = new CellInstance(
      {
        id: options.instanceId,
        runtime: resolved,
        interface: ready.interface,
        cell,
        tenancy,
        removeFiles,
        leavesByItself: guestIsThread,
        inspector:
          guestIsThread || options.inspect
            ? { runDir: launchpad.runDir, nextName: inspectorNames(prefix) }
            : null,
      },
      (it) =>
        new GuestLink({
          connection,
          upstream: path === null ? null : createUpstream({ path }, { verdict: () => it.verdict() }),
          exited: () => it.exited,
        }),
    )
    start.handOver(instance)
    return instance
  } catch (error) {
    place.cell.evict(tenancy, "the start was given up", "APP_UNAVAILABLE")
    start.abandon()
    const { reason } = await tenancy.ended
    await removeFiles()
    throw startFailure(error, launch, { tail, exit: reason })
  }
}

function orderFor(
  { spec, options, guest, env }: CellLaunch,
  start: GuestStart,
): Omit<StartOrder, "fillsCell"> {
  const { limits } = spec
  return {
    type: "start",
    id: options.instanceId,
    app: spec.name,
    generation: options.generation,
    guest: { ...start.config, runtime: guest, mainIsGuest: false, inThread: guest === "node" },
    dir: spec.dir,
    entry: spec.entry ?? "",
    args: spec.args,
    runtimeArgs: spec.runtime.args,
    env,
    memoryBytes: finite(limits.memoryBytes),
    cpuMs: finite(limits.cpuMs),
    cpuSoftMs: finite(limits.cpuSoftMs),
    wedgeMs: finite(spec.timeouts.wedgeMs),
    policy: spec.policy,
    outbound: spec.outbound,
    inspect: options.inspect,
  }
}

/** Names of sockets, one a session, that go with the instance's other files. */
function inspectorNames(prefix: string): () => string {
  let count = 0
  return () => `${prefix}i${count++}.sock`
}

/** JSON knows no Infinity. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
