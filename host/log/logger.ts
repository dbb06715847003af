/**
 * The host's log: its own remarks, the reason code of every request that failed, and the apps' output, line by line,
 * tagged with app and instance. Two forms: `pretty` for people, `json` (one object a line) for machines.
 */
import { type LimitReason, limitReason } from "../../protocol/errors.ts"
import type { OutputSink } from "../../runtimes/runtime.ts"
import { createFailureLimit } from "./failure-limit.ts"
import type { LogWriter } from "./log-writer.ts"

export type LogLevel = "info" | "warn" | "error"
export type LogFormat = "pretty" | "json"

export interface Logger {
  info(app: string | null, instance: string | null, message: string): void
  warn(app: string | null, instance: string | null, message: string): void
  error(app: string | null, instance: string | null, message: string): void
  /** A request that was not answered properly. */
  request(app: string | null, instance: string | null, failure: RequestFailure): void
  /** Where an instance's output goes. */
  outputOf(app: string, instance: string): OutputSink
}

export interface RequestFailure {
  readonly requestId: string
  readonly code: string
  readonly detail: string
}

interface Entry {
  readonly level: LogLevel
  readonly app: string | null
  readonly instance: string | null
  /** `host`, or the stream of the app's that the line came from. */
  readonly source: "host" | "stdout" | "stderr" | "log"
  readonly message: string
  readonly failure?: RequestFailure & { readonly reason: LimitReason | undefined }
}

export function createLogger(writer: LogWriter, format: LogFormat): Logger {
  const render = format === "json" ? renderJson : renderPretty
  const put = (entry: Entry): boolean => writer.write(render(entry))
  const remark = (level: LogLevel) => (app: string | null, instance: string | null, message: string) => {
    put({ level, app, instance, source: "host", message })
  }
  const limit = createFailureLimit((app, code, count) =>
    remark("warn")(app, null, `${code}: ${count} more requests in the same second`),
  )
  return {
    info: remark("info"),
    warn: remark("warn"),
    error: remark("error"),
    request(app, instance, failure) {
      if (!limit.admit(app, failure.code)) return
      const reason = limitReason(failure.code)
      const why = reason === undefined ? "" : ` (${reason})`
      const message = `${failure.code}${why} request ${failure.requestId}: ${failure.detail}`
      put({ level: "warn", app, instance, source: "host", message, failure: { ...failure, reason } })
    },
    outputOf: (app, instance) => ({
      line: (source, message) =>
        put({ level: source === "stderr" ? "warn" : "info", app, instance, source, message }),
      onDrain: (resume) => writer.onDrain(resume),
    }),
  }
}

function renderJson({ level, app, instance, source, message, failure }: Entry): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, source, app, instance, ...failure, message })}\n`
}

function renderPretty({ level, app, instance, source, message }: Entry): string {
  const time = new Date().toTimeString().slice(0, 8)
  const who = instance ?? app ?? "host"
  const mark = source === "host" ? (level === "info" ? "*" : "!") : source === "stderr" ? "»" : "›"
  // Control characters of an app must not reach the operator's terminal, but tabs.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const text = message.replace(/[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g, "�")
  const tag = `${time} ${mark} ${who}`
  return text
    .split("\n")
    .map((line) => `${tag} | ${line}\n`)
    .join("")
}
