/** A CPU profile and a heap snapshot of one instance, by its inspector. Who asked gets them as they come: nothing is kept here. */
import type { Writable } from "node:stream"
import { PolyhostError } from "../../protocol/errors.ts"
import type { Inspection } from "../supervisor/inspection.ts"
import { ProtocolClient } from "./protocol-client.ts"

export interface Capture {
  readonly inspection: Inspection
  /** Whoever asked has gone. */
  readonly signal: AbortSignal
}

/** Between two looks at the stack, in microseconds: V8's own choice. */
const SAMPLING_INTERVAL_US = 1000

/** The JSON text of a `.cpuprofile`. @throws PolyhostError RUNTIME_NO_INSPECTOR, RUNTIME_INSPECTOR_FAILED */
export async function cpuProfile({ inspection, signal }: Capture, seconds: number): Promise<string> {
  needV8(inspection, "a CPU profile")
  const client = new ProtocolClient(inspection.link, () => undefined)
  signal.addEventListener("abort", () => client.fail("nobody waits for it any more"))
  await client.ask("Profiler.enable")
  await client.ask("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL_US })
  await client.ask("Profiler.start")
  await passed(seconds * 1000, signal)
  const { profile } = await client.ask("Profiler.stop")
  if (typeof profile !== "object" || profile === null) {
    throw new PolyhostError("RUNTIME_INSPECTOR_FAILED", "its inspector gave no profile")
  }
  return JSON.stringify(profile)
}

/** Writes a `.heapsnapshot`, as fast as it is taken. The app stands still meanwhile. @throws PolyhostError as above */
export async function heapSnapshot({ inspection, signal }: Capture, to: () => Writable): Promise<void> {
  needV8(inspection, "a heap snapshot")
  const { link } = inspection
  let output: Writable | null = null
  const client = new ProtocolClient(link, (method, { chunk }) => {
    if (method !== "HeapProfiler.addHeapSnapshotChunk" || typeof chunk !== "string") return
    if (output === null) {
      output = to()
      output.on("drain", () => link.resume())
    }
    if (!output.write(chunk)) link.pause()
  })
  signal.addEventListener("abort", () => client.fail("nobody waits for it any more"))
  await client.ask("HeapProfiler.enable")
  await client.ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false })
}

function needV8({ link, runtime, app }: Inspection, what: string): void {
  if (link.protocol === "v8") return
  const message = `App "${app}": ${what} needs the inspector of V8, which ${runtime.name} ${runtime.version} does not have`
  throw new PolyhostError("RUNTIME_NO_INSPECTOR", message)
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener("abort", done)
  })
}
