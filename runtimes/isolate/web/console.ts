/** console: the app's lines to its log. A namespace object (Console standard); what values look like is inspect.ts. */
import { monotonicNow } from "./clock.ts"
import { table } from "./console-table.ts"
import { isObject, tag } from "./idl.ts"
import { inspect, primitive } from "./inspect.ts"
import type { WebOps } from "./ops.ts"

type Stream = "stdout" | "stderr"

/** A line longer than this is cut: one line must not fill the log. */
const MOST_TEXT = 256 * 1024

export function createConsole(ops: () => Pick<WebOps, "print">): object {
  const counts = new Map<string, number>()
  const timers = new Map<string, number>()
  const groups = { depth: 0 }

  function write(stream: Stream, text: string): void {
    const indent = "  ".repeat(groups.depth)
    const lines = indent === "" ? text : `${indent}${text.replaceAll("\n", `\n${indent}`)}`
    const cut =
      lines.length > MOST_TEXT ? `${lines.slice(0, MOST_TEXT)} ... ${lines.length - MOST_TEXT} more` : lines
    ops().print(stream, cut)
  }

  function printer(stream: Stream): (...data: unknown[]) => void {
    return (...data) => write(stream, format(data))
  }

  function timing(label: unknown, data: readonly unknown[]): void {
    const name = toLabel(label)
    const start = timers.get(name)
    if (start === undefined) return write("stderr", `Warning: No such label '${name}' for console.time`)
    const rest = data.length === 0 ? "" : ` ${format(data)}`
    write("stdout", `${name}: ${monotonicNow() - start}ms${rest}`)
  }

  // Methods of a literal: names and lengths as the standard has them.
  const methods = {
    log: (...data: unknown[]) => printer("stdout")(...data),
    info: (...data: unknown[]) => printer("stdout")(...data),
    debug: (...data: unknown[]) => printer("stdout")(...data),
    warn: (...data: unknown[]) => printer("stderr")(...data),
    error: (...data: unknown[]) => printer("stderr")(...data),
    trace: (...data: unknown[]) => {
      const stack = (new Error().stack ?? "").split("\n").slice(2).join("\n")
      const title = data.length === 0 ? "Trace" : `Trace: ${format(data)}`
      write("stderr", stack === "" ? title : `${title}\n${stack}`)
    },
    assert: (condition: unknown = false, ...data: unknown[]) => {
      if (condition) return
      const [first, ...rest] = data
      if (typeof first === "string") write("stderr", format([`Assertion failed: ${first}`, ...rest]))
      else write("stderr", data.length === 0 ? "Assertion failed" : format(["Assertion failed:", ...data]))
    },
    dir: (item: unknown = undefined, options: unknown = undefined) => {
      const depth = isObject(options) ? (options as { depth?: unknown }).depth : undefined
      write(
        "stdout",
        inspect(item, depth === null ? { depth: 100 } : typeof depth === "number" ? { depth } : {}),
      )
    },
    dirxml: (...data: unknown[]) => write("stdout", data.map((one) => inspect(one)).join(" ")),
    table: (data: unknown = undefined, columns: unknown = undefined) =>
      write("stdout", table(data, columns) ?? format([data])),
    count: (label: unknown = "default") => {
      const name = toLabel(label)
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      write("stdout", `${name}: ${count}`)
    },
    countReset: (label: unknown = "default") => {
      const name = toLabel(label)
      if (!counts.delete(name)) write("stderr", `Warning: Count for '${name}' does not exist`)
    },
    group: (...data: unknown[]) => {
      if (data.length > 0) write("stdout", format(data))
      groups.depth = Math.min(groups.depth + 1, 50)
    },
    groupCollapsed: (...data: unknown[]) => methods.group(...data),
    groupEnd: () => {
      groups.depth = Math.max(0, groups.depth - 1)
    },
    time: (label: unknown = "default") => {
      const name = toLabel(label)
      if (timers.has(name)) write("stderr", `Warning: Label '${name}' already exists for console.time`)
      else timers.set(name, monotonicNow())
    },
    timeLog: (label: unknown = "default", ...data: unknown[]) => timing(label, data),
    timeEnd: (label: unknown = "default") => {
      timing(label, [])
      timers.delete(toLabel(label))
    },
    clear: () => undefined,
  }
  const namespace = Object.assign(Object.create({}), methods) as object
  tag(namespace, "console")
  return namespace
}

/** The Console standard's Formatter and Printer. */
export function format(data: readonly unknown[]): string {
  const [first, ...rest] = data
  if (typeof first !== "string") return data.map(bare).join(" ")
  if (rest.length === 0) return first
  const waiting = [...rest]
  const text = first.replace(/%[sdifjoOc%]/g, (specifier) => {
    if (specifier === "%%") return "%"
    return waiting.length === 0 ? specifier : formatOne(specifier, waiting.shift())
  })
  return [text, ...waiting.map(bare)].join(" ")
}

function formatOne(specifier: string, value: unknown): string {
  switch (specifier) {
    case "%s":
      return typeof value === "string"
        ? value
        : isPlainToString(value)
          ? inspect(value, { depth: 0 })
          : text(value)
    case "%d":
      return isObject(value) || typeof value === "symbol"
        ? "NaN"
        : primitive(typeof value === "bigint" ? value : Number(value))
    case "%i":
      return typeof value === "bigint"
        ? `${value}n`
        : typeof value === "symbol"
          ? "NaN"
          : primitive(Number.parseInt(text(value), 10))
    case "%f":
      return typeof value === "symbol" ? "NaN" : primitive(Number.parseFloat(text(value)))
    case "%j":
      return json(value)
    case "%o":
      return inspect(value, { depth: 4 })
    case "%O":
      return inspect(value)
    default:
      return ""
  }
}

function bare(value: unknown): string {
  return typeof value === "string" ? value : inspect(value)
}

/** Has no text of its own that would say more than a look inside. */
function isPlainToString(value: unknown): boolean {
  if (!isObject(value) || value instanceof Error) return false
  const own = (value as { toString?: unknown }).toString
  return own === undefined || own === Object.prototype.toString || Array.isArray(value)
}

function text(value: unknown): string {
  if (!isObject(value)) return primitive(value)
  try {
    return String(value)
  } catch {
    return inspect(value, { depth: 0 })
  }
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined"
  } catch {
    return "[Circular]"
  }
}

function toLabel(label: unknown): string {
  return `${label as string}`
}
