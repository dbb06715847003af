/**
 * Problem: one thing that is wrong, or worth knowing, about a configuration, and where it stands.
 * Everything in this folder reports problems and goes on; nothing throws for a mistake in a document.
 */
import { isAbsolute, relative } from "node:path"

export interface Problem {
  /** Absolute path of the file, or "config" when the configuration came as an object. */
  readonly file: string
  /** From 1; 0 when there is no text to point into. */
  readonly line: number
  readonly column: number
  readonly severity: "error" | "warning"
  /** Where in the document: `apps[2].timeouts.request`; "" for the document as a whole. */
  readonly path: string
  readonly message: string
}

export type PathSegment = string | number

/** `file:line:column: message`, with `warning: ` before the message of a warning. Paths below `cwd` are shown relative to it. */
export function formatProblem(problem: Problem, cwd?: string): string {
  const file = displayPath(problem.file, cwd)
  const place = problem.line === 0 ? file : `${file}:${problem.line}:${problem.column}`
  return `${place}: ${problem.severity === "warning" ? "warning: " : ""}${problem.message}`
}

/** Order of a report: by file, then by line and column. */
export function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

export function isError(problem: Problem): boolean {
  return problem.severity === "error"
}

/** `["apps", 2, "env", "a b"]` → `apps[2].env["a b"]`. */
export function formatPath(path: readonly PathSegment[]): string {
  let text = ""
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`
    else if (!/^[$\w-]+$/.test(segment)) text += `[${JSON.stringify(segment)}]`
    else text += text === "" ? segment : `.${segment}`
  }
  return text
}

/** The value as a person wrote it, cut to a readable length. */
export function formatSeen(value: unknown): string {
  const text = value === undefined ? "missing" : asText(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

export function displayPath(file: string, cwd: string | undefined): string {
  if (cwd === undefined || !isAbsolute(file)) return file
  const short = relative(cwd, file)
  return short === "" || short.startsWith("..") ? file : short
}

function asText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return `a ${typeof value}`
  }
}
