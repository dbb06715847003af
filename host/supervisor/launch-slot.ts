/** Starts the instance of a slot: finds the runtime, waits for a place at the gate, launches before the start deadline. */
import { PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { ResolvedRuntime, Runtime } from "../../runtimes/runtime.ts"
import type { Bindings } from "../bindings/bindings.ts"
import type { Logger } from "../log/logger.ts"
import { createWebSocketAcceptor } from "../websocket/acceptor.ts"
import type { Slot } from "./slot.ts"
import type { StartGate } from "./start-gate.ts"

export interface LaunchServices {
  readonly runtime: Runtime
  readonly gate: StartGate
  readonly log: Logger
  readonly bindings: Bindings
}

export interface SlotLaunch {
  readonly spec: AppSpec
  readonly slot: Slot
  readonly generation: number
  /** Another instance of the app is there. */
  readonly servesAlready: boolean
  readonly onResolved: (resolved: ResolvedRuntime) => void
}

/** Resolves when `slot.instance` is ready. Rejects, leaving nothing behind, also when the slot's abort fires. */
export async function launchSlot(services: LaunchServices, launch: SlotLaunch): Promise<void> {
  const { spec, slot } = launch
  const { signal } = slot.abort
  // Installing a runtime takes as long as it takes: the start deadline is for the app.
  const resolved = await services.runtime.resolve(spec, { signal })
  launch.onResolved(resolved)
  const leave = await services.gate.enter(signal, launch.servesAlready)
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(tooLate(spec, resolved)),
    Math.min(spec.timeouts.startMs, 0x7fffffff),
  )
  try {
    slot.instance = await services.runtime.launch(spec, resolved, {
      signal: AbortSignal.any([signal, late.signal]),
      generation: launch.generation,
      instanceId: slot.id,
      inspect: slot.inspect,
      onSpawn: (pid) => {
        slot.pid = pid
      },
      bindings: services.bindings.of(spec, slot),
      webSockets: createWebSocketAcceptor(spec.webSocket),
      output: services.log.outputOf(spec.name, slot.id),
    })
  } finally {
    clearTimeout(timer)
    leave()
  }
  if (signal.aborted) {
    slot.instance.kill("the app was stopped")
    await slot.instance.exited
    throw signal.reason
  }
}

function tooLate(spec: AppSpec, { name, version }: ResolvedRuntime): PolyhostError {
  const program = version === "" ? "the program" : `${name} ${version}`
  const missing =
    spec.command === null
      ? "neither listens nor has finished loading with a fetch handler"
      : "does not listen"
  return new PolyhostError(
    "RUNTIME_START_TIMEOUT",
    `App "${spec.name}": not ready within ${spec.timeouts.startMs} ms ("timeouts.start"): ${program} runs, but ${missing}`,
  )
}
