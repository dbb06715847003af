/**
 * A CPU profile and a heap snapshot, in the forms that Chrome DevTools opens, of an engine that speaks WebKit's protocol. Reads what an
 * app made up for all we know: every field is checked.
 */
import { PolyhostError } from "../../protocol/errors.ts"
import type { Fields, ProtocolClient } from "./protocol-client.ts"

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly scriptId: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  hitCount: number
  readonly children: number[]
}

/** Deeper stacks are cut: of a profile of one endless recursion nobody needs more. */
const MOST_FRAMES = 500

/** `params`: of `ScriptProfiler.trackingComplete`. Between `startS` and `endS`, in seconds of any clock. */
export function profileOf(params: Fields, times: { readonly startS: number; readonly endS: number }): string {
  const root = node(1, { name: "(root)" })
  const nodes = [root]
  const known = new Map<string, ProfileNode>()
  const samples: number[] = []
  for (const trace of list(fields(params["samples"])["stackTraces"])) {
    let at = root
    for (const frame of list(trace["stackFrames"]).slice(0, MOST_FRAMES).reverse()) {
      const key = JSON.stringify([at.id, frame["name"], frame["url"], frame["line"], frame["column"]])
      let next = known.get(key)
      if (next === undefined) {
        next = node(nodes.length + 1, frame)
        known.set(key, next)
        nodes.push(next)
        at.children.push(next.id)
      }
      at = next
    }
    at.hitCount++
    samples.push(at.id)
  }
  const startTime = Math.round(times.startS * 1e6)
  const endTime = Math.round(times.endS * 1e6)
  // The engine tells no time of a sample; it looks at even intervals while the program runs.
  const delta = samples.length === 0 ? 0 : Math.floor((endTime - startTime) / samples.length)
  return JSON.stringify({ nodes, startTime, endTime, samples, timeDeltas: samples.map(() => delta) })
}

/** The engine writes V8's form itself, as one string. @throws PolyhostError RUNTIME_INSPECTOR_FAILED */
export async function snapshotOf(client: ProtocolClient): Promise<string> {
  const expression = 'Bun.generateHeapSnapshot("v8")'
  const { result } = await client.ask("Runtime.evaluate", { expression, returnByValue: true })
  const { value } = fields(result)
  if (typeof value === "string" && value.startsWith('{"snapshot":')) return value
  throw new PolyhostError("RUNTIME_INSPECTOR_FAILED", "its engine made no heap snapshot")
}

function node(id: number, { name, sourceID, url, line, column }: Fields): ProfileNode {
  return {
    id,
    callFrame: {
      functionName: text(name),
      scriptId: text(sourceID),
      url: text(url),
      lineNumber: count(line) - 1,
      columnNumber: count(column) - 1,
    },
    hitCount: 0,
    children: [],
  }
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : []
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {}
}

function text(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0
}
