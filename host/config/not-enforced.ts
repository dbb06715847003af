/** Keys that a manifest may hold and that this version does nothing with. Each gives a warning: silence would mislead. */
import type { Convention } from "./conventions.ts"
import { type Document, problemAt } from "./document.ts"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"
import { valueAt } from "./validate.ts"

/** Keys that some kinds of runtime heed (`Convention.heeds`) and others do not. */
const KEYS_OF_SOME: readonly (readonly string[])[] = [
  ["cell"],
  ["policy"],
  ["outbound"],
  ["limits", "memory"],
  ["limits", "memorySoft"],
  ["limits", "cpu"],
  ["limits", "cpuSoft"],
]

const NOT_ENFORCED: readonly (readonly string[])[] = [
  ["limits", "files"],
  ["recycle"],
  ["health"],
  ["reload"],
]

/** Warnings about `value`, which stands at `at` in the document. */
export function notEnforced(
  document: Document,
  at: readonly PathSegment[],
  value: unknown,
): readonly Problem[] {
  const found = NOT_ENFORCED.filter((path) => valueAt(value, path) !== undefined)
  return found.map((path) => warning(document, [...at, ...path], "by this version"))
}

/** The same about keys that the runtime of the app does not heed. */
export function notHeeded(
  document: Document,
  at: readonly PathSegment[],
  { value, convention }: { value: unknown; convention: Convention },
): readonly Problem[] {
  const found = KEYS_OF_SOME.filter((path) => valueAt(value, path) !== undefined)
  return found
    .filter((path) => !convention.heeds.includes(path.join(".")))
    .map((path) => warning(document, [...at, ...path], `by this version for runtime "${convention.name}"`))
}

function warning(document: Document, path: readonly PathSegment[], where: string): Problem {
  const message = `"${formatPath(path)}" is accepted but not enforced ${where}`
  return problemAt(document, path, message, { severity: "warning", part: "key" })
}
