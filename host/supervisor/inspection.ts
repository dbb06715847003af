/**
 * A session with the inspector of one instance: which instance, one session at a time, and what the supervisor leaves undone while
 * somebody debugs (no wedge kill, no deadlines). An instance that can have an inspector only from its start on is replaced by
 * one that has it, the replacement first, and that one by an ordinary one afterwards. What goes over the link is `host/inspect/`.
 */
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { InspectorLink, InspectorProtocol } from "../../runtimes/runtime.ts"
import type { Logger } from "../log/logger.ts"
import { endSlot } from "./end-slot.ts"
import type { Fleet } from "./fleet.ts"
import type { Slot } from "./slot.ts"

/** What a debugger has to know before it comes. */
export interface Inspectable {
  readonly app: string
  readonly protocol: InspectorProtocol
  readonly runtime: { readonly name: string; readonly version: string }
  readonly instances: readonly { readonly id: string; readonly inspected: boolean }[]
}

export interface Inspection {
  readonly link: InspectorLink
  readonly app: string
  /** Id of the instance. */
  readonly instance: string
  /** Id of the instance in whose place it was started for this, or null. */
  readonly inPlaceOf: string | null
  readonly runtime: { readonly name: string; readonly version: string }
  /** Ends the session; supervision goes on as before. Callers share one promise; never rejects. */
  close(): Promise<void>
}

export interface Inspected {
  readonly fleet: Fleet
  readonly spec: AppSpec
  readonly log: Logger
}

/** @throws PolyhostError RUNTIME_NO_INSPECTOR */
export function inspectable({ fleet, spec }: Inspected): Inspectable {
  const { inspector } = fleet.capabilities
  if (inspector === null) throw noInspector(spec)
  const ready = [...fleet.slots].filter((slot) => slot.state === "ready")
  return {
    app: spec.name,
    protocol: inspector,
    runtime: fleet.runtime,
    instances: ready.map(({ id, inspected }) => ({ id, inspected })),
  }
}

/**
 * @throws PolyhostError HOST_UNKNOWN_INSTANCE, HOST_INSPECTED (another session is open), APP_UNAVAILABLE (nothing runs),
 * RUNTIME_NO_INSPECTOR, RUNTIME_INSPECTOR_FAILED
 */
export async function openInspection(app: Inspected, instanceId: string | null): Promise<Inspection> {
  if (app.fleet.capabilities.inspector === null) throw noInspector(app.spec)
  const slot = await chooseInstance(app, instanceId)
  // Whoever comes right after another does not find it busy.
  await slot.inspectionEnding
  const claimed = [claim(slot)]
  try {
    const link = await slot.instance?.openInspector().catch((error: unknown) => {
      if (error instanceof PolyhostError && error.code === "RUNTIME_INSPECTOR_AT_START") {
        app.log.info(app.spec.name, slot.id, `replaced to be inspected: ${error.message}`)
        return null
      }
      throw error
    })
    if (link === undefined) throw unavailable(app)
    if (link !== null) return inspection(app, slot, { link, inPlaceOf: null })
    const next = await replacement(app, slot)
    claimed.push(claim(next))
    const opened = await next.instance?.openInspector()
    if (opened === undefined) throw unavailable(app)
    release(slot)
    endSlot(slot, app.spec.timeouts).catch(() => undefined)
    return inspection(app, next, { link: opened, inPlaceOf: slot.id })
  } catch (error) {
    for (const it of claimed) {
      release(it)
      if (it !== slot) endSlot(it, app.spec.timeouts).catch(() => undefined)
    }
    throw error
  }
}

/** The one named, else the one that takes the next request; an app that starts on demand is started. */
async function chooseInstance({ fleet, spec }: Inspected, instanceId: string | null): Promise<Slot> {
  const ready = [...fleet.slots].filter((slot) => slot.state === "ready" && slot.instance?.usable === true)
  if (instanceId !== null) {
    const found = ready.find((slot) => slot.id === instanceId)
    if (found !== undefined) return found
    const names = ready.map((slot) => slot.id).join(", ") || "none"
    const message = `App "${spec.name}" has no running instance "${instanceId}" (running: ${names})`
    throw new PolyhostError("HOST_UNKNOWN_INSTANCE", message)
  }
  const [first] = ready.sort(
    (a, b) =>
      Number(a.inspected) - Number(b.inspected) ||
      Number(b.inspect) - Number(a.inspect) ||
      a.inFlight - b.inFlight,
  )
  if (first !== undefined) return first
  if (fleet.state === "idle") fleet.demand(1)
  const [starting] = [...fleet.slots].filter((slot) => slot.state === "starting")
  if (starting === undefined) throw unavailable({ fleet, spec })
  await starting.started
  return starting
}

/** Resolves with one that is ready. @throws PolyhostError; the old one then goes on */
async function replacement(app: Inspected, slot: Slot): Promise<Slot> {
  const next = app.fleet.startOne(true)
  try {
    await next.started
  } catch (error) {
    throw new PolyhostError(
      "RUNTIME_INSPECTOR_FAILED",
      `App "${app.spec.name}": the instance that was to be inspected did not start, ${slot.id} goes on: ${messageOf(error)}`,
      { cause: error },
    )
  }
  return next
}

function inspection(
  app: Inspected,
  slot: Slot,
  { link, inPlaceOf }: { link: InspectorLink; inPlaceOf: string | null },
): Inspection {
  const { log, spec } = app
  let closing: Promise<void> | null = null
  log.info(
    spec.name,
    slot.id,
    "a debugger is attached: no deadlines and no wedge kill until it leaves (timeouts suspended)",
  )
  const close = async (): Promise<void> => {
    await link.close()
    release(slot)
    log.info(spec.name, slot.id, "the debugger has left: deadlines and wedge kill are back")
    if (slot.inspect && slot.state === "ready") void putBack(app, slot)
  }
  return {
    link,
    app: spec.name,
    instance: slot.id,
    inPlaceOf,
    runtime: app.fleet.runtime,
    close() {
      closing ??= close()
      slot.inspectionEnding = closing
      return closing
    },
  }
}

/** An instance with its inspector open gives way to an ordinary one, unless somebody wants it again. Never rejects. */
async function putBack({ fleet, spec, log }: Inspected, slot: Slot): Promise<void> {
  if (fleet.state === "stopped" || fleet.state === "failed" || slot.instance?.usable !== true) return
  const next = fleet.startOne()
  try {
    await next.started
    endSlot(slot.inspected ? next : slot, spec.timeouts).catch(() => undefined)
  } catch (error) {
    log.warn(spec.name, slot.id, `stays with its inspector open: ${messageOf(error).split("\n", 1)[0]}`)
  }
}

function claim(slot: Slot): Slot {
  if (slot.inspected) {
    const message = `instance ${slot.id} is being inspected already: one session at a time`
    throw new PolyhostError("HOST_INSPECTED", message)
  }
  slot.inspected = true
  return slot
}

function release(slot: Slot): void {
  slot.inspected = false
  slot.inspectionEndedMs = performance.now()
}

function noInspector(spec: AppSpec): PolyhostError {
  const message = `App "${spec.name}" has runtime "${spec.runtime.name}", of whose inspector the host knows nothing`
  return new PolyhostError("RUNTIME_NO_INSPECTOR", message)
}

function unavailable({ fleet, spec }: Pick<Inspected, "fleet" | "spec">): PolyhostError {
  const message = `App "${spec.name}" has no running instance to inspect (it is ${fleet.state})`
  return new PolyhostError("APP_UNAVAILABLE", message)
}
