/**
 * Checks a document against a zod schema and turns each issue into a problem with its position: what was seen, what is
 * allowed, and the nearest valid key. Owns the wording; the schemas own the rules.
 */
import { z } from "zod"
import { type Document, problemAt } from "./document.ts"
import { formatPath, formatSeen, type PathSegment, type Problem } from "./problem.ts"
import { suggest } from "./suggest.ts"

export interface Fault {
  readonly path: readonly PathSegment[]
  readonly problem: Problem
}

/** Every fault of the value at `at` in the document. Empty: the value has the schema's input type. */
export function validate(
  schema: z.ZodType,
  document: Document,
  at: readonly PathSegment[] = [],
): readonly Fault[] {
  const result = schema.safeParse(valueAt(document.value, at))
  if (result.success) return []
  return result.error.issues.flatMap((issue) => faultsOf(issue, { schema, document, at }, []))
}

export function valueAt(value: unknown, path: readonly PathSegment[]): unknown {
  let here: unknown = value
  for (const segment of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, segment)) return undefined
    here = (here as Record<PathSegment, unknown>)[segment]
  }
  return here
}

interface Scope {
  readonly schema: z.ZodType
  readonly document: Document
  readonly at: readonly PathSegment[]
}

function faultsOf(issue: z.core.$ZodIssue, scope: Scope, above: readonly PathSegment[]): readonly Fault[] {
  const path = [...above, ...issue.path.filter((segment) => typeof segment !== "symbol")]
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors)
    if (branch !== null) return branch.flatMap((inner) => faultsOf(inner, scope, path))
  }
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, scope, path))
  const part = issue.code === "invalid_key" ? "key" : "value"
  const full = [...scope.at, ...path]
  const seen = valueAt(scope.document.value, full)
  const message = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message
  const nearest =
    issue.code === "invalid_value" && typeof seen === "string"
      ? suggest(seen, issue.values.map(String))
      : null
  const guess = nearest === null ? "" : `. Did you mean "${nearest}"?`
  return [
    { path, problem: problemAt(scope.document, full, describe(path, seen, message, part) + guess, { part }) },
  ]
}

function describe(
  path: readonly PathSegment[],
  seen: unknown,
  message: string,
  part: "key" | "value",
): string {
  const name = formatPath(path)
  const subject = name === "" ? "the document" : `"${name}"`
  if (part === "key") return `${subject}: the key is not valid; ${message}`
  if (seen === undefined) return `${subject} is missing; ${message}`
  return `${subject} is ${formatSeen(seen)}; ${message}`
}

/** The alternative of a union that the value was meant for: the one that did not fail at its very type. */
function nearestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | null {
  const meant = branches.filter(
    (issues) => !issues.some((one) => one.path.length === 0 && one.code === "invalid_type"),
  )
  return meant.length === 1 ? meant[0]! : null
}

function unknownKey(key: string, scope: Scope, path: readonly PathSegment[]): Fault {
  const object = objectAt(scope.schema, path)
  const keys = object === null ? [] : Object.keys(object.shape)
  const here = path.length === 0 ? "" : ` in "${formatPath(path)}"`
  const full = [...scope.at, ...path, key]
  const message = `unknown key "${key}"${here}${hint(key, keys, [object, objectAt(scope.schema, [])])}`
  return { path: [...path, key], problem: problemAt(scope.document, full, message, { part: "key" }) }
}

/** `objects`: where the key stands, and the whole document, where it may belong to another part. */
function hint(key: string, keys: readonly string[], objects: readonly (z.ZodObject | null)[]): string {
  const nearest = suggest(key, keys)
  if (nearest !== null) return `. Did you mean "${nearest}"?`
  const elsewhere = objects.flatMap((object) => nestedPaths(object)).find((path) => path.endsWith(`.${key}`))
  if (elsewhere !== undefined) return `. Did you mean "${elsewhere}"?`
  return `; allowed: ${keys.join(", ")}`
}

function objectAt(schema: z.ZodType, path: readonly PathSegment[]): z.ZodObject | null {
  let here = objectOf(schema)
  for (const segment of path) {
    if (here instanceof z.ZodObject) here = objectOf(here.shape[segment] as z.ZodType | undefined)
    else if (here instanceof z.ZodArray) here = objectOf(here.element as z.ZodType)
    else return null
  }
  return here instanceof z.ZodObject ? here : null
}

/** The object or array that a schema allows, without `optional` and other alternatives. */
function objectOf(schema: z.ZodType | undefined): z.ZodObject | z.ZodArray | null {
  if (schema === undefined) return null
  if (schema instanceof z.ZodOptional) return objectOf(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodUnion) {
    for (const option of schema.options as readonly z.ZodType[]) {
      const found = objectOf(option)
      if (found !== null) return found
    }
    return null
  }
  return schema instanceof z.ZodObject || schema instanceof z.ZodArray ? schema : null
}

/** Paths below an object's own keys, the shallow ones first. */
function nestedPaths(object: z.ZodObject | null): readonly string[] {
  const children = Object.entries(object?.shape ?? {}).flatMap(([key, child]) => {
    const inner = objectOf(child as z.ZodType)
    return inner instanceof z.ZodObject ? [{ key, inner }] : []
  })
  return [
    ...children.flatMap(({ key, inner }) => Object.keys(inner.shape).map((name) => `${key}.${name}`)),
    ...children.flatMap(({ key, inner }) => nestedPaths(inner).map((path) => `${key}.${path}`)),
  ]
}
