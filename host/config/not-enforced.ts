/** Keys that a manifest may hold and that this version does nothing with. Each gives a warning: silence would mislead. */
import { type Document, problemAt } from "./document.ts"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"
import { valueAt } from "./validate.ts"

const NOT_ENFORCED: readonly (readonly string[])[] = [
  ["bindings"],
  ["limits", "memory"],
  ["limits", "memorySoft"],
  ["limits", "files"],
  ["recycle"],
  ["health"],
  ["reload"],
  ["static"],
  ["cell"],
]

/** Warnings about `value`, which stands at `at` in the document. */
export function notEnforced(
  document: Document,
  at: readonly PathSegment[],
  value: unknown,
): readonly Problem[] {
  return NOT_ENFORCED.filter((path) => valueAt(value, path) !== undefined).map((path) => {
    const message = `"${formatPath([...at, ...path])}" is accepted but not enforced by this version`
    return problemAt(document, [...at, ...path], message, { severity: "warning", part: "key" })
  })
}
