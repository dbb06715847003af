/**
 * The calls of the admin API (DESIGN 4.4): what each path and method does with the host. Reads the host's own
 * records only, so that no app can hold an answer up; `start` and `stop` wait for their app.
 */
import { messageOf } from "../../protocol/errors.ts"
import type { AppStatus, Host } from "../index.ts"
import { AdminProblem } from "./problem.ts"

export type AdminHost = Pick<Host, "status" | "start" | "stop" | "reload">

/** The value to answer with. @throws AdminProblem, PolyhostError */
export async function answerCall(host: AdminHost, method: string, path: string): Promise<unknown> {
  const call = CALLS.find(({ pattern }) => pattern.test(path))
  if (call === undefined) throw new AdminProblem("NOT_FOUND", `nothing at ${path}`)
  const allowed = Object.keys(call.methods).flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]))
  const answer = call.methods[method === "HEAD" ? "GET" : method]
  if (answer === undefined) {
    const detail = `${method} is not allowed at ${path} (allowed: ${allowed.join(", ")})`
    throw new AdminProblem("METHOD_NOT_ALLOWED", detail, { Allow: allowed.join(", ") })
  }
  return answer(host, decodeName(call.pattern.exec(path)?.[1] ?? ""))
}

type Answer = (host: AdminHost, name: string) => unknown

interface Call {
  /** Group 1 is the app's name. */
  readonly pattern: RegExp
  readonly methods: Readonly<Record<string, Answer>>
}

const later: Answer = () => {
  throw new AdminProblem("NOT_IMPLEMENTED", "this call is not in this version of Polyhost")
}

const CALLS: readonly Call[] = [
  { pattern: /^\/v1\/status$/, methods: { GET: (host) => host.status() } },
  { pattern: /^\/healthz$/, methods: { GET: () => ({ status: "ok" }) } },
  { pattern: /^\/readyz$/, methods: { GET: readiness } },
  { pattern: /^\/v1\/apps\/([^/]+)$/, methods: { GET: appStatus, PATCH: later, PUT: later, DELETE: later } },
  { pattern: /^\/v1\/apps\/([^/]+)\/start$/, methods: { POST: (host, name) => host.start(name) } },
  { pattern: /^\/v1\/apps\/([^/]+)\/stop$/, methods: { POST: (host, name) => host.stop(name) } },
  { pattern: /^\/v1\/apps\/([^/]+)\/reload$/, methods: { POST: reload } },
  { pattern: /^\/v1\/apps\/([^/]+)\/(?:rollback|unblock)$/, methods: { POST: later } },
  { pattern: /^\/v1\/apps\/([^/]+)\/logs$/, methods: { GET: later } },
  { pattern: /^\/(?:v1\/events|metrics|)$/, methods: { GET: later } },
]

async function reload(host: AdminHost, name: string): Promise<AppStatus> {
  appStatus(host, name)
  try {
    return await host.reload(name)
  } catch (error) {
    throw new AdminProblem("HOST_RELOAD_FAILED", messageOf(error))
  }
}

function appStatus(host: AdminHost, name: string): AppStatus {
  const { apps } = host.status()
  const found = apps.find((app) => app.name === name)
  if (found !== undefined) return found
  throw new AdminProblem(
    "HOST_UNKNOWN_APP",
    `no app "${name}" (apps: ${apps.map((app) => app.name).join(", ")})`,
  )
}

/** Ready: every app serves or would at the first request. An app that somebody stopped should not serve. */
function readiness(host: AdminHost): unknown {
  const missing = host
    .status()
    .apps.filter(
      ({ state }) => state !== "running" && state !== "idle" && state !== "degraded" && state !== "stopped",
    )
  if (missing.length === 0) return { status: "ok" }
  const names = missing.map(({ name, state }) => `${name} (${state})`)
  throw new AdminProblem("NOT_READY", `not serving: ${names.join(", ")}`)
}

/** @throws AdminProblem BAD_REQUEST */
export function decodeName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AdminProblem("BAD_REQUEST", "the name in the path is not valid percent-encoding")
  }
}
