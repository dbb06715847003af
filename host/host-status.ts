/** The answer of `GET /v1/status` (DESIGN 4.4), made from what the host knows: it asks no app anything. */
import { readFileSync } from "node:fs"
import { limitReason } from "../protocol/errors.ts"
import type { Route } from "../runtimes/app-spec.ts"
import { formatRoute } from "./config/index.ts"
import type { CertificateEntry } from "./listener/tls/certificates.ts"
import type { App } from "./supervisor/app.ts"
import type { AppStatus, InstanceStatus } from "./supervisor/app-status.ts"

export interface HostStatus {
  readonly host: {
    readonly version: string
    readonly pid: number
    readonly uptimeSeconds: number
    /** URLs of the listeners. */
    readonly listeners: readonly string[]
    /** What listeners with TLS show: the first to clients that name no other. */
    readonly certificates: readonly CertificateStatus[]
  }
  readonly apps: readonly AppStatus[]
}

export interface CertificateStatus {
  readonly names: readonly string[]
  readonly notAfter: string
  /** The file it is from, or `acme:` and the name that it was ordered for. */
  readonly owner: string
}

export function certificateStatus(entries: readonly CertificateEntry[]): readonly CertificateStatus[] {
  return entries.map(({ names, notAfter, owner }) => ({ names, notAfter: notAfter.toISOString(), owner }))
}

/** Memory of processes by pid, each looked up once. */
type MemoryOf = (pid: number) => number

/** For one answer or event: a cell's memory is that of all its instances, and /proc is asked for it once. */
export function memoryReader(): MemoryOf {
  const known = new Map<number, number>()
  return (pid) => {
    let bytes = known.get(pid)
    if (bytes === undefined) {
      bytes = rssBytes(pid)
      known.set(pid, bytes)
    }
    return bytes
  }
}

export function appStatus(app: App, memoryOf: MemoryOf): AppStatus {
  const { fleet, spec } = app
  const { lastError } = fleet
  return {
    name: app.name,
    state: fleet.state,
    runtime: fleet.runtime,
    interface: fleet.interface,
    generation: fleet.generation,
    routes: spec.routes.map((route: Route) => formatRoute(route)),
    instances: [...fleet.slots].map(
      (slot): InstanceStatus => ({
        id: slot.id,
        pid: slot.pid,
        state: slot.state,
        inFlight: slot.inFlight,
        sockets: slot.sockets.size,
        requests: slot.requests,
        rssBytes: slot.pid === null ? 0 : memoryOf(slot.pid),
        startedAt: new Date(slot.startedAt).toISOString(),
      }),
    ),
    queue: { waiting: app.waiting },
    lastError:
      lastError === null
        ? null
        : {
            code: lastError.code,
            message: lastError.message,
            reason: limitReason(lastError.code) ?? null,
            at: lastError.at.toISOString(),
          },
  }
}

/** Resident memory of a process by /proc; 0 where there is none. */
function rssBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
