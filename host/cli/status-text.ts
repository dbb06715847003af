/** The status of a host as text of at most 80 columns, where names allow it. */
import type { AppStatus, HostStatus } from "../index.ts"
import { count, formatBytes, formatDuration, table, wrap } from "./table.ts"

const COLUMNS = 80
const APP_HEADER = ["APP", "STATE", "RUNTIME", "PIDS", "RSS", "REQUESTS", "QUEUE"]
const APP_NUMBERS = new Set([4, 5, 6])
const INSTANCE_HEADER = ["INSTANCE", "PID", "STATE", "RSS", "REQUESTS", "IN FLIGHT"]
const INSTANCE_NUMBERS = new Set([1, 3, 4, 5])
/** Process ids of one app that are listed. */
const PIDS = 3

export function hostText({ host, apps }: HostStatus): string {
  const uptime = formatDuration(host.uptimeSeconds)
  return [
    `polyhost ${host.version}, pid ${host.pid}, up ${uptime}, ${count(apps.length, "app")}\n`,
    ...host.listeners.map((url) => `listens on ${url}\n`),
    "\n",
    appsText(apps),
  ].join("")
}

/** The table, and below it the last error of each app that has one. */
export function appsText(apps: readonly AppStatus[]): string {
  const errors = apps.flatMap(({ name, lastError }) => {
    if (lastError === null) return []
    const at = lastError.at.slice(0, 19).replace("T", " ")
    return [
      `\nLast error of ${name}, ${at} UTC:`,
      ...wrap(`${lastError.code}${reasonOf(lastError)}: ${lastError.message}`, COLUMNS, "  "),
    ]
  })
  return table([APP_HEADER, ...apps.map(appRow)], APP_NUMBERS) + errors.map((line) => `${line}\n`).join("")
}

/** ` (oom)`. */
function reasonOf({ reason }: NonNullable<AppStatus["lastError"]>): string {
  return reason === null ? "" : ` (${reason})`
}

/** One app with its instances. */
export function appText(app: AppStatus): string {
  // Most apps have none: then it is no column.
  const hasSockets = app.instances.some(({ sockets }) => sockets > 0)
  const numbers = hasSockets ? new Set([...INSTANCE_NUMBERS, INSTANCE_HEADER.length]) : INSTANCE_NUMBERS
  const header = [...INSTANCE_HEADER, ...(hasSockets ? ["SOCKETS"] : []), "STARTED"]
  const rows = app.instances.map(({ id, pid, state, rssBytes, requests, inFlight, sockets, startedAt }) => [
    id,
    pid === null ? "-" : String(pid),
    state,
    formatBytes(rssBytes),
    String(requests),
    String(inFlight),
    ...(hasSockets ? [String(sockets)] : []),
    startedAt.slice(0, 19).replace("T", " "),
  ])
  const routes = app.routes.length === 0 ? "" : `routes: ${app.routes.join("  ")}\n`
  const about = app.interface === "" ? "" : `interface: ${app.interface}, generation: ${app.generation}\n`
  const instances = rows.length === 0 ? "" : `\n${table([header, ...rows], numbers)}`
  return `${appsText([app])}\n${about}${routes}${instances}`
}

function appRow({ name, state, runtime, instances, queue }: AppStatus): string[] {
  const pids = instances.flatMap(({ pid }) => (pid === null ? [] : [String(pid)]))
  const more = pids.length > PIDS ? ` +${pids.length - PIDS}` : ""
  const total = (pick: (instance: AppStatus["instances"][number]) => number): number =>
    instances.reduce((sum, instance) => sum + pick(instance), 0)
  return [
    name,
    state,
    `${runtime.name} ${runtime.version}`.trim() || "-",
    pids.length === 0 ? "-" : pids.slice(0, PIDS).join(" ") + more,
    pids.length === 0 ? "-" : formatBytes(total(({ rssBytes }) => rssBytes)),
    String(total(({ requests }) => requests)),
    String(queue.waiting),
  ]
}
