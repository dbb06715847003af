/** console.table: rows and columns as Node draws them. */

import { isObject } from "./idl.ts"
import { inspect } from "./inspect.ts"

const MOST_ROWS = 1000
const VALUES = "Values"

/** Null when the data is no table. */
export function table(data: unknown, columns: unknown): string | null {
  if (!isObject(data)) return null
  const rows = rowsOf(data).slice(0, MOST_ROWS)
  const chosen = Array.isArray(columns) ? columns.map(String) : null
  const names = new Set<string>(chosen ?? [])
  let hasValues = false
  const cells = rows.map(([index, row]) => {
    const own = new Map<string, string>([["(index)", index]])
    if (!isObject(row)) {
      own.set(VALUES, inspect(row))
      hasValues = true
      return own
    }
    for (const key of chosen ?? Object.keys(row)) {
      if (chosen === null) names.add(key)
      if (Object.hasOwn(row, key)) own.set(key, inspect((row as Record<string, unknown>)[key], { depth: 0 }))
    }
    return own
  })
  return draw(["(index)", ...names, ...(hasValues ? [VALUES] : [])], cells)
}

function rowsOf(data: object): [string, unknown][] {
  if (data instanceof Map)
    return [...data].map(([key, value], index) => [String(index), { Key: key, Values: value }])
  if (data instanceof Set) return [...data].map((value, index) => [String(index), value])
  return Object.entries(data)
}

function draw(names: readonly string[], rows: readonly ReadonlyMap<string, string>[]): string {
  const widths = names.map(
    (name) => Math.max(name.length, ...rows.map((row) => row.get(name)?.length ?? 0)) + 2,
  )
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width)).join(middle) + right
  const line = (cell: (name: string) => string): string =>
    `│${names.map((name, index) => ` ${cell(name)}`.padEnd(widths[index]!)).join("│")}│`
  return [
    rule("┌", "┬", "┐"),
    line((name) => name),
    rule("├", "┼", "┤"),
    ...rows.map((row) => line((name) => row.get(name) ?? "")),
    rule("└", "┴", "┘"),
  ].join("\n")
}
