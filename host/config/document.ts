/**
 * Document: a configuration text (JSON with comments, trailing commas, BOM) as a value, with the position of each
 * key and value. Owns syntax; what the values mean is `schema.ts`. Never throws, whatever the text.
 */
import { findNodeAtLocation, type Node, type ParseError, parseTree } from "jsonc-parser"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"

export interface Document {
  readonly file: string
  /** The value; undefined when there is none. */
  readonly value: unknown
  /** Syntax errors and duplicate keys. */
  readonly problems: readonly Problem[]
  /** Position of the value at `path` (or of its key), or of the nearest thing above it that exists. */
  locate(path: readonly PathSegment[], part?: "key" | "value"): Position
}

export interface Position {
  readonly line: number
  readonly column: number
}

/** Nesting that no configuration needs, and that would overflow a recursive parser. */
const MAX_DEPTH = 64

const SYNTAX_ERRORS: readonly string[] = [
  "",
  "a symbol that has no meaning here",
  "a number that is not valid JSON",
  "a property name in double quotes is expected",
  "a value is expected",
  "a colon is expected",
  "a comma is expected",
  "a closing brace is expected",
  "a closing bracket is expected",
  "nothing may follow the end of the document",
  "a comment is not allowed here",
  "a comment has no end",
  "a string has no closing quote",
  "a number has no end",
  "a \\u escape is not complete",
  "a \\ escape that JSON does not have",
  "a character that is not allowed in a string (write it as an escape)",
]

export function parseDocument(file: string, source: string): Document {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source
  const positionAt = positions(text)
  if (isTooDeep(text)) {
    return unusableDocument(file, `the document is nested deeper than ${MAX_DEPTH} levels`)
  }
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: false })
  const problems = errors.map((error): Problem => {
    const what = SYNTAX_ERRORS[error.error] ?? "a syntax error"
    return {
      file,
      ...positionAt(error.offset),
      severity: "error",
      path: "",
      message: `not valid JSON: ${what}`,
    }
  })
  const value = tree === undefined ? undefined : plainValue(tree)
  if (tree !== undefined) {
    for (const { node, path, message } of keyProblems(tree, [])) {
      problems.push({ file, ...positionAt(node.offset), severity: "error", path: formatPath(path), message })
    }
  }
  return {
    file,
    value,
    problems,
    locate: (path, part = "value") => positionAt(nodeAt(tree, path, part)?.offset ?? 0),
  }
}

/** The same for a configuration that was given as an object: there is no text to point into. */
export function documentOf(file: string, value: unknown): Document {
  return { file, value, problems: [], locate: () => ({ line: 0, column: 0 }) }
}

/** Makes a problem of what stands at `path`. */
export function problemAt(
  document: Document,
  path: readonly PathSegment[],
  message: string,
  options: { severity?: Problem["severity"]; part?: "key" | "value" } = {},
): Problem {
  const { severity = "error", part = "value" } = options
  return { file: document.file, ...document.locate(path, part), severity, path: formatPath(path), message }
}

/** A document that holds nothing usable, for one reason. */
export function unusableDocument(file: string, message: string): Document {
  const position = { line: 1, column: 1 }
  return {
    file,
    value: undefined,
    problems: [{ file, ...position, severity: "error", path: "", message }],
    locate: () => position,
  }
}

function positions(text: string): (offset: number) => Position {
  const starts = [0]
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  for (const [token] of text.matchAll(
    /"(?:[^"\\\n\r]|\\.)*"?|\/\/[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)|[{}[\]]/g,
  )) {
    if (token === "{" || token === "[") depth++
    if (token === "}" || token === "]") depth--
    if (depth > MAX_DEPTH) return true
  }
  return false
}

/** jsonc-parser's own conversion assigns keys, which lets `__proto__` through; this one defines them. */
function plainValue(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plainValue)
  if (node.type !== "object") return node.value
  const object: Record<string, unknown> = {}
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? []
    if (key === undefined || value === undefined || key.value === "__proto__") continue
    object[String(key.value)] = plainValue(value)
  }
  return object
}

interface KeyProblem {
  readonly node: Node
  readonly path: readonly PathSegment[]
  readonly message: string
}

function* keyProblems(node: Node, path: readonly PathSegment[]): Generator<KeyProblem> {
  const seen = new Set<string>()
  for (const [index, child] of (node.children ?? []).entries()) {
    if (node.type !== "object") {
      yield* keyProblems(child, [...path, index])
      continue
    }
    const [key, value] = child.children ?? []
    if (key === undefined) continue
    const name = String(key.value)
    const here = [...path, name]
    if (seen.has(name)) yield { node: key, path: here, message: `the key "${name}" is given twice` }
    if (name === "__proto__") yield { node: key, path: here, message: 'the key "__proto__" is not allowed' }
    seen.add(name)
    if (value !== undefined) yield* keyProblems(value, here)
  }
}

function nodeAt(
  tree: Node | undefined,
  path: readonly PathSegment[],
  part: "key" | "value",
): Node | undefined {
  if (tree === undefined) return undefined
  for (let length = path.length; length >= 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length))
    if (node === undefined) continue
    const isWhole = length === path.length
    return part === "key" && isWhole && node.parent?.type === "property" ? node.parent.children![0] : node
  }
  return tree
}
