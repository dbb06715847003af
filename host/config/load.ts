/**
 * loadConfig: from PATH arguments, or a config object, to the apps of a host, with everything that is wrong.
 * Owns what needs all apps at once: names, default routes, routes that two apps claim.
 */
import { join, resolve } from "node:path"
import type { AppSpec, ErrorPages, Route } from "../../runtimes/app-spec.ts"
import type { HttpSettings } from "../listener/http-settings.ts"
import type { TlsSettings } from "../listener/tls/tls-settings.ts"
import type { AppSource } from "./app-source.ts"
import { type BuiltApp, buildApp } from "./app-spec.ts"
import { type BrokenApp, type Discovered, discoverApps, isInlineApp } from "./discover.ts"
import { problemAt } from "./document.ts"
import { hostEnvironment } from "./environment.ts"
import { readErrorPages } from "./error-pages.ts"
import { createFileView, type FileView } from "./files.ts"
import { firstOf, type HttpInput, httpSettingsOf } from "./http.ts"
import { inChunks } from "./in-chunks.ts"
import { anchorListen, DEFAULT_LISTEN, parseListen, uniqueListen } from "./listen.ts"
import { notEnforced } from "./not-enforced.ts"
import { type HostPlace, objectPlaces, type Places, pathPlaces, placeless } from "./places.ts"
import { compareProblems, formatProblem, isError, type PathSegment, type Problem } from "./problem.ts"
import { defaultRoutes, formatRoute, routeKey } from "./routes.ts"
import { type DefaultsInput, type HostConfigInput, hostConfigSchema } from "./schema.ts"
import { tlsProblems, tlsSettingsOf } from "./tls.ts"
import { unknownApps } from "./unknown-apps.ts"
import { type Fault, validate, valueAt } from "./validate.ts"

export interface LoadedConfig {
  /** Folder of the host config, else the current one. */
  readonly root: string
  /** Addresses as text; socket paths are absolute. */
  readonly listen: readonly string[]
  readonly stateDir: string
  readonly lockFile: string
  /** Limits, deadlines and trusted proxies of the listener. */
  readonly http: HttpSettings
  /** For addresses with TLS; null: none may be listened on. */
  readonly tls: TlsSettings | null
  /** For errors without an app; those with one are in its AppSpec. */
  readonly errorPages: ErrorPages
  /** Isolate instances in one cell. */
  readonly isolatesPerCell: number
  readonly apps: readonly AppSpec[]
  /** Apps whose configuration is wrong. They fail alone. */
  readonly broken: readonly BrokenApp[]
  /** Everything, errors and warnings, in the order of the files. */
  readonly problems: readonly Problem[]
  /** The host config cannot be used, a PATH does not exist, or there is no app. */
  readonly fatal: boolean
}

/** A cell that fails takes so many with it, each for one restart; a process of its own costs 60 MiB before its first isolate. */
const DEFAULT_ISOLATES_PER_CELL = 64

export type ConfigInput =
  | { readonly paths: readonly string[]; readonly cwd: string }
  | { readonly config: HostConfigInput; readonly cwd: string }

export async function loadConfig(input: ConfigInput): Promise<LoadedConfig> {
  const files = createFileView()
  const cwd = resolve(input.cwd)
  const places =
    "config" in input ? objectPlaces(input.config, cwd) : await pathPlaces(input.paths, cwd, files)
  const root = places.hosts[0]?.root ?? cwd
  const general: Problem[] = [...places.problems]
  const broken: BrokenApp[] = []
  const wanted: { source: AppSource; root: string; defaults: DefaultsInput }[] = []
  const listen: string[] = []
  const http: HttpInput[] = []
  const pages: ErrorPages[] = []
  const cells: HostConfigInput["cells"][] = []
  const tls: (TlsSettings | null)[] = []
  for (const host of places.hosts) {
    const read = await readHost(host, files)
    general.push(...read.problems)
    broken.push(...read.broken)
    listen.push(...read.listen)
    http.push(read.http)
    pages.push(read.errorPages)
    cells.push(read.cells)
    tls.push(read.tls)
    wanted.push(...read.sources.map((source) => ({ source, root: host.root, defaults: read.defaults })))
  }
  wanted.push(...places.apps.map((source) => ({ source, root, defaults: {} })))

  const built = await inChunks(wanted, ({ source, root, defaults }) =>
    buildApp(source, { root, files, defaults, env: hostEnvironment() }),
  )
  const total = built.length + broken.length
  const settled = settle(built, total === 1)
  if (total === 0 && !general.some(isError)) general.push(noApp(places, cwd))
  const all = [
    ...general,
    ...[...broken, ...settled.broken].flatMap((app) => app.problems),
    ...settled.problems,
    ...unknownApps(built, new Set([...built, ...broken].map(({ name }) => name))),
  ]
  const single = places.hosts.length === 0 && built.length === 1 ? built[0]!.source.dir : root
  return {
    root,
    listen: listen.length > 0 ? uniqueListen(listen) : [DEFAULT_LISTEN],
    stateDir: join(root, ".polyhost"),
    lockFile: join(single, "polyhost.lock.json"),
    http: httpSettingsOf(firstOf(http)),
    tls: tls.find((one) => one !== null) ?? null,
    // As for the other keys: of two host configs the first that names a page gives it.
    errorPages: new Map(pages.reverse().flatMap((one) => [...one])),
    isolatesPerCell: cells.find((one) => one?.isolates !== undefined)?.isolates ?? DEFAULT_ISOLATES_PER_CELL,
    apps: settled.apps,
    broken: [...broken, ...settled.broken],
    problems: unique(all).sort(compareProblems),
    fatal: general.some(isError) || total === 0,
  }
}

interface ReadHost extends Discovered {
  readonly listen: readonly string[]
  readonly defaults: DefaultsInput
  readonly http: HttpInput
  readonly errorPages: ErrorPages
  readonly cells: HostConfigInput["cells"]
  readonly tls: TlsSettings | null
}

async function readHost(host: HostPlace, files: FileView): Promise<ReadHost> {
  const { document, root } = host
  const nothing = {
    sources: [],
    broken: [],
    listen: [],
    defaults: {},
    http: {},
    errorPages: new Map(),
    cells: {},
    tls: null,
  }
  if (document.problems.some((problem) => problem.path === ""))
    return { ...nothing, problems: document.problems }
  const faults = validate(hostConfigSchema, document)
  const isOfApp = ({ path }: Fault): boolean =>
    path[0] === "apps" && path.length > 1 && isInlineApp(valueAt(document.value, path.slice(0, 2)))
  const own = faults.filter((fault) => !isOfApp(fault))
  const found = await discoverApps(document, faults, { root, files })
  const isSound = (key: string): boolean => !own.some((fault) => fault.path[0] === key)
  const given = Object.fromEntries(
    HOST_KEYS.filter(isSound).map((key) => [key, valueAt(document.value, [key])]),
  ) as Partial<HostConfigInput>
  const { listen = [], defaults = {}, limits, timeouts, trustProxy, http2, cells } = given
  const pages = await readErrorPages(given.errorPages, { document, at: [], dir: root })
  return {
    ...found,
    listen: listen
      .filter((text) => !("problem" in parseListen(text)))
      .map((text) => anchorListen(text, root)),
    defaults,
    http: { limits, timeouts, trustProxy, http2 },
    tls: tlsSettingsOf(given.tls, root),
    errorPages: pages.pages,
    cells,
    problems: [
      ...document.problems,
      ...own.map((fault) => fault.problem),
      ...notEnforced(document, ["defaults"], defaults),
      ...pages.problems,
      ...(await tlsProblems(document, given, { root, files })),
      ...found.problems,
    ],
  }
}

/** Keys of a host config beside "apps"; each is left out alone when it is wrong. */
const HOST_KEYS = [
  ...(["listen", "defaults", "limits", "timeouts", "trustProxy", "errorPages", "cells"] as const),
  ...(["tls", "http2"] as const),
]

interface Settled {
  readonly apps: readonly AppSpec[]
  readonly broken: readonly BrokenApp[]
  /** Of the sound apps: warnings. */
  readonly problems: readonly Problem[]
}

/** Names, routes, conflicts. Of two apps that claim one thing the first keeps it and the second fails. */
function settle(built: readonly BuiltApp[], isAlone: boolean): Settled {
  const apps: AppSpec[] = []
  const broken: BrokenApp[] = []
  const problems: Problem[] = []
  const names = new Map<string, BuiltApp>()
  const owners = new Map<string, { app: BuiltApp; index: number }>()
  for (const app of built) {
    const found = [...app.problems]
    const namesake = names.get(app.name)
    if (namesake === undefined) names.set(app.name, app)
    else {
      const message = `the name "${app.name}" is taken by the app in ${namesake.source.dir} (${where(namesake, ["name"])}); give one of them another "name"`
      found.push(problemAt(app.source.document, [...app.source.at, "name"], message))
    }
    const routes = app.hasRoutes ? (app.spec?.routes ?? []) : defaultRoutes(app.name, isAlone)
    if (app.spec !== null && namesake === undefined) found.push(...claim(app, routes, owners))
    if (app.spec === null || found.some(isError)) {
      broken.push({ name: app.name, dir: app.source.dir, problems: found })
      continue
    }
    problems.push(...found)
    apps.push({ ...app.spec, routes, stripPrefix: app.stripPrefix ?? (!app.hasRoutes && !isAlone) })
  }
  return { apps, broken, problems }
}

function claim(
  app: BuiltApp,
  routes: readonly Route[],
  owners: Map<string, { app: BuiltApp; index: number }>,
): readonly Problem[] {
  const problems: Problem[] = []
  for (const [index, route] of routes.entries()) {
    const key = routeKey(route)
    const owner = owners.get(key)
    if (owner === undefined || owner.app === app) {
      owners.set(key, { app, index })
      continue
    }
    const place: readonly PathSegment[] = app.hasRoutes ? ["routes", index] : ["name"]
    const other = where(owner.app, owner.app.hasRoutes ? ["routes", owner.index] : ["name"])
    const message = `route "${formatRoute(route)}" of app "${app.name}" is already a route of app "${owner.app.name}" (${other})`
    problems.push(problemAt(app.source.document, [...app.source.at, ...place], message))
  }
  return problems
}

function where(app: BuiltApp, path: readonly PathSegment[]): string {
  const { source } = app
  const problem = problemAt(source.document, [...source.at, ...path], "")
  return formatProblem(problem).replace(/: $/, "")
}

function noApp(places: Places, cwd: string): Problem {
  const host = places.hosts[0]
  if (host === undefined) return placeless(cwd, "no app found")
  return problemAt(host.document, ["apps"], 'no app found by "apps"')
}

function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
}
