/** Numbers of an AppSpec and their defaults (DESIGN 4.3 and 7). Limits that nothing sets are off. */
import type { AppSpec, ContentCoding } from "../../runtimes/app-spec.ts"
import type { AppManifestInput, DefaultsInput } from "./schema.ts"
import { parseDuration, parseSize } from "./units.ts"

type Settings = Pick<
  AppSpec,
  | "instances"
  | "concurrency"
  | "limits"
  | "timeouts"
  | "queue"
  | "health"
  | "cell"
  | "policy"
  | "outbound"
  | "compression"
  | "webSocket"
  | "sticky"
>

/** Settings of an app: its own, over the host config's defaults, over ours. */
export function settingsOf(given: AppManifestInput, defaults: DefaultsInput): Settings {
  const limits = { ...defaults.limits, ...given.limits }
  const timeouts = { ...defaults.timeouts, ...given.timeouts }
  const health = given.health ?? defaults.health
  return {
    instances: instancesOf(given.instances ?? defaults.instances ?? 1),
    concurrency: given.concurrency ?? defaults.concurrency ?? 100,
    limits: {
      memoryBytes: bytes(limits.memory),
      memorySoftBytes: bytes(limits.memorySoft),
      files: limits.files ?? Number.POSITIVE_INFINITY,
      requestBodyBytes: bytes(limits.requestBody),
      cpuMs: ms(limits.cpu, "4s"),
      cpuSoftMs: ms(limits.cpuSoft, "off"),
    },
    timeouts: {
      startMs: ms(timeouts.start, "15s"),
      requestMs: ms(timeouts.request, "60s"),
      streamMs: ms(timeouts.stream, "5m"),
      wedgeMs: ms(timeouts.wedge, "5s"),
      queueMs: ms(timeouts.queue, "30s"),
      idleMs: ms(timeouts.idle, "off"),
      drainMs: ms(timeouts.drain, "15s"),
      killMs: ms(timeouts.kill, "5s"),
    },
    queue: { max: given.queue?.max ?? defaults.queue?.max ?? 100 },
    cell: given.cell ?? null,
    policy: given.policy ?? "perApp",
    outbound: given.outbound ?? [],
    compression: compressionOf(given.compression ?? defaults.compression ?? false),
    webSocket: webSocketOf({ ...defaults.websocket, ...given.websocket }),
    sticky: given.sticky ?? defaults.sticky ?? "auto",
    health: health === undefined ? null : { path: health.path, intervalMs: ms(health.interval, "10s") },
  }
}

/** `app` names the store of an app that gives no other. */
export function bindingsOf(texts: Readonly<Record<string, string>>, app: string): AppSpec["bindings"] {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const [kind, rest = app] = text.split(":")
      return [name, kind === "app" ? { kind: "app", app: rest } : { kind: "store", namespace: rest }]
    }),
  )
}

function instancesOf(given: NonNullable<AppManifestInput["instances"]>): AppSpec["instances"] {
  if (typeof given === "number") return { min: given, max: given }
  const min = given.min ?? Math.min(1, given.max ?? 1)
  return { min, max: given.max ?? Math.max(1, min) }
}

/** zstd first: it is the fastest of them by far, and compresses as well as gzip does at its best. */
const ENCODINGS: readonly ContentCoding[] = ["zstd", "br", "gzip"]
/** Less fits into one packet anyway. */
const LEAST_COMPRESSED = "1KB"

function compressionOf(given: NonNullable<AppManifestInput["compression"]>): AppSpec["compression"] {
  if (given === false) return null
  const { encodings = ENCODINGS, min = LEAST_COMPRESSED } = given === true ? {} : given
  return { encodings, minBytes: parseSize(min) ?? 0 }
}

function webSocketOf(given: NonNullable<AppManifestInput["websocket"]>): AppSpec["webSocket"] {
  return {
    messageBytes: bytes(given.message ?? "16MB"),
    pingMs: ms(given.ping, "30s"),
    idleMs: ms(given.idle, "off"),
    compression: given.compression ?? false,
  }
}

function ms(text: string | undefined, fallback: string): number {
  return parseDuration(text ?? fallback) ?? Number.POSITIVE_INFINITY
}

function bytes(text: string | undefined): number {
  return parseSize(text ?? "off") ?? Number.POSITIVE_INFINITY
}
