/**
 * Writes the specification in `README.md`, between its markers, from the sources: the rules from the comments of
 * `lint.ts`, `lint-calls.ts` and `lint-websocket.ts`, the frame table from `messages.ts`, `frames.ts` and the lint. `node protocol/write-spec.ts` rewrites it.
 * The only file here that needs Node; nothing imports it but its test.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { FrameType, frameName, PROTOCOL_VERSION } from "./frames.ts"
import { SENDER_OF_TYPE } from "./lint.ts"

const START =
  "<!-- spec: made by write-spec.ts from lint.ts, lint-calls.ts, lint-websocket.ts, frames.ts and messages.ts; do not edit -->"
const END = "<!-- end of spec -->"

/** Files with the rules. */
export const LINTS = ["lint.ts", "lint-calls.ts", "lint-websocket.ts"]

export interface Rule {
  readonly id: string
  readonly text: string
}

export interface SpecSources {
  readonly readme: string
  /** Of `LINTS`, one after the other. */
  readonly lint: string
  readonly messages: string
}

/** `readme` with its specification replaced. */
export function withSpec({ readme, lint, messages }: SpecSources): string {
  const [before, rest] = split(readme, START)
  const [, after] = split(rest, END)
  const spec = [frameTable(), payloads(messages), rules(readRules(lint))].join("\n\n")
  return `${before}${START}\n\n${spec}\n\n${END}${after}`
}

/** The rules in the comments of the lint, by number. */
export function readRules(lint: string): Rule[] {
  const found: Rule[] = []
  const blocks = lint.matchAll(/^ *\/\/ (P\d+) (.+\n(?: *\/\/ .+\n)*)/gm)
  for (const [, id = "", body = ""] of blocks) {
    found.push({ id, text: body.replace(/\n *\/\/ /g, " ").trim() })
  }
  return found.sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))
}

function frameTable(): string {
  const rows = Object.values(FrameType).map((type) => {
    const sender = SENDER_OF_TYPE[type]
    const way = sender === undefined ? "both" : sender === "host" ? "host → guest" : "guest → host"
    const payload = type >= FrameType.output ? "binary" : isHeartbeat(type) ? "none" : "JSON"
    return [String(type), `\`${frameName(type)}\``, way, type < FrameType.request ? "0" : "≥ 1", payload]
  })
  return `### Frames of protocol ${PROTOCOL_VERSION}\n\n${table(["type", "name", "way", "stream", "payload"], rows)}`
}

/** A table with columns of one width, as the formatter wants it. */
function table(head: readonly string[], rows: readonly string[][]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

function isHeartbeat(type: number): boolean {
  return type === FrameType.ping || type === FrameType.pong
}

function payloads(messages: string): string {
  const comment = /^\/\*\n((?: \* .*\n)+) \*\/$/m.exec(messages)?.[1]
  if (comment === undefined) throw new Error("messages.ts has no comment with the payloads")
  const lines = comment.replace(/^ \* /gm, "").trimEnd()
  return `### Binary payloads\n\n\`\`\`\n${lines}\n\`\`\`\n\nControl payloads: the types in \`messages.ts\` and \`schemas.ts\`.`
}

function rules(found: readonly Rule[]): string {
  return `### Rules\n\n${found.map(({ id, text }) => `- **${id}** ${text}`).join("\n")}`
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker)
  if (at < 0) throw new Error(`README.md has no line ${marker}`)
  return [text.slice(0, at), text.slice(at + marker.length)]
}

if (import.meta.main) {
  const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8")
  const sources = {
    readme: read("README.md"),
    lint: LINTS.map(read).join(""),
    messages: read("messages.ts"),
  }
  writeFileSync(new URL("README.md", import.meta.url), withSpec(sources))
}
