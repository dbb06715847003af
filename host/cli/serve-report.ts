/**
 * What `serve` tells about the host itself: the header, one line an app, progress of installs, remarks. Two forms: text in
 * columns, or with `--log json` an object a line among the log's. An app's line is printed as soon as its first state
 * is known, in columns that are set by the configuration, so that a slow app hides no other.
 */
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { AppStatus } from "../index.ts"
import { createLogger, type LogFormat } from "../log/logger.ts"
import { appUrls } from "./app-urls.ts"
import { createInstallProgress } from "./install-progress.ts"
import type { Screen } from "./screen.ts"
import { columnWidths, count, tableRow, wrap } from "./table.ts"

export interface ServeReport {
  readonly install: ReturnType<typeof createInstallProgress>
  header(text: string): void
  app(status: AppStatus): void
  say(level: "info" | "warn" | "error", text: string): void
}

export interface ReportOptions {
  readonly screen: Screen
  readonly format: LogFormat
  readonly isTerminal: boolean
  readonly columns: number
  readonly specs: readonly AppSpec[]
  readonly brokenNames: readonly string[]
  /** URLs of the listeners, once they listen. */
  readonly listeners: () => readonly string[]
}

/** Lines of an app's last error that are shown below its line. The log has all of it. */
const ERROR_LINES = 3
/** URLs of one app that are shown. */
const URLS = 4

export function createServeReport(options: ReportOptions): ServeReport {
  const { screen, format, isTerminal } = options
  const logger = createLogger(screen, format)
  const say: ServeReport["say"] = (level, text) => logger[level](null, null, text)
  const brokenNames = new Set(options.brokenNames)
  const urls = new Map(options.specs.map((spec) => [spec.name, shownUrls(spec)]))
  /** Of all apps together: made for the first line. */
  let columns: number[] | null = null

  /** The routes that say how to reach it, without the `.localhost` names that every app has by default. */
  function shownUrls(spec: AppSpec): () => string[] {
    const named = spec.routes.filter(({ host }) => host !== `${spec.name}.localhost`)
    return () => appUrls(named.length > 0 ? named : spec.routes, options.listeners())
  }

  const urlsOf = (name: string): string[] => urls.get(name)?.() ?? []

  function widths(): number[] {
    const rows = [
      ...options.specs.map((spec) => [
        spec.name,
        `${spec.runtime.name} 00.00.00`,
        urlsOf(spec.name)[0] ?? "",
      ]),
      ...options.brokenNames.map((name) => [name]),
    ]
    return columnWidths(rows)
  }

  function appText(status: AppStatus): string {
    const [first = "-", ...others] = urlsOf(status.name)
    columns ??= widths()
    const { name, version } = status.runtime
    const lines = [tableRow([status.name, `${name} ${version}`.trim() || "-", first, status.state], columns)]
    const indent = " ".repeat((columns[0] ?? 0) + (columns[1] ?? 0) + 4)
    for (const url of others.slice(0, URLS - 1)) lines.push(indent + url)
    if (others.length >= URLS) lines.push(`${indent}and ${count(others.length - URLS + 1, "more route")}`)
    return [...lines, ...errorLines(status)].map((line) => `${line}\n`).join("")
  }

  function errorLines({ name, state, lastError }: AppStatus): string[] {
    if (lastError === null || state === "running" || state === "idle") return []
    if (lastError.code === "CONFIG_INVALID" && brokenNames.has(name)) {
      return ['    CONFIG_INVALID: its problems are listed above, and by "polyhost check"']
    }
    const lines = wrap(`${lastError.code}: ${lastError.message}`, options.columns, "    ")
    if (lines.length <= ERROR_LINES) return lines
    return [
      ...lines.slice(0, ERROR_LINES),
      `    and ${count(lines.length - ERROR_LINES, "more line")}, in the log`,
    ]
  }

  function appRemark(status: AppStatus): void {
    const { name, version } = status.runtime
    const isWell = errorLines(status).length === 0
    const text = [status.state, `${name} ${version}`.trim(), ...urlsOf(status.name)].join(" ")
    const error = isWell ? "" : `: ${status.lastError?.code}: ${status.lastError?.message}`
    logger[isWell ? "info" : "error"](status.name, null, text + error)
  }

  return {
    install: createInstallProgress({
      say,
      ...(isTerminal && format === "pretty" ? { redraw: (key, text) => screen.setLine(key, text) } : {}),
    }),
    header: (text) => void (format === "json" ? say("info", text) : screen.write(`${text}\n`)),
    app: (status) => void (format === "json" ? appRemark(status) : screen.write(appText(status))),
    say,
  }
}
