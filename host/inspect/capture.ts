/** A CPU profile and a heap snapshot of one instance, by its inspector. Who asked gets them as they come: nothing is kept here. */
import type { Writable } from "node:stream"
import { PolyhostError } from "../../protocol/errors.ts"
import type { Inspection } from "../supervisor/inspection.ts"
import { type Fields, ProtocolClient } from "./protocol-client.ts"
import { profileOf, snapshotOf } from "./webkit.ts"

export interface Capture {
  readonly inspection: Inspection
  /** Whoever asked has gone. */
  readonly signal: AbortSignal
}

/** Between two looks at the stack, in microseconds: V8's own choice. */
const SAMPLING_INTERVAL_US = 1000

/** The JSON text of a `.cpuprofile`. @throws PolyhostError RUNTIME_INSPECTOR_FAILED */
export async function cpuProfile({ inspection, signal }: Capture, seconds: number): Promise<string> {
  let complete: (params: Fields) => void = () => undefined
  const tracked = new Promise<Fields>((resolve) => {
    complete = resolve
  })
  const client = new ProtocolClient(inspection.link, (method, params) => {
    if (method === "ScriptProfiler.trackingComplete") complete(params)
  })
  signal.addEventListener("abort", () => client.fail("nobody waits for it any more"))
  if (inspection.link.protocol === "webkit") {
    const startS = performance.now() / 1000
    await client.ask("ScriptProfiler.startTracking", { includeSamples: true })
    await passed(seconds * 1000, signal)
    await client.ask("ScriptProfiler.stopTracking")
    const params = await Promise.race([tracked, client.failed])
    return profileOf(params, { startS, endS: startS + seconds })
  }
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
  if (link.protocol === "webkit") {
    const text = await snapshotOf(client)
    to().write(text)
    return
  }
  await client.ask("HeapProfiler.enable")
  await client.ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false })
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
