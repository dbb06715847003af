/** Reads from a README which commands it shows and what it says that they print. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface ShownCommand {
  /** Folder of the README. */
  readonly example: string
  readonly command: string
  readonly output: string
}

/** Every block marked `sh` in the README of every folder in `dir`, with the unmarked block that follows it. */
export function shownCommands(dir: string): readonly ShownCommand[] {
  const folders = readdirSync(dir, { withFileTypes: true }).filter((one) => one.isDirectory())
  return folders
    .filter((folder) => !folder.name.startsWith("."))
    .flatMap((folder) =>
      pairs(readFileSync(join(dir, folder.name, "README.md"), "utf8")).map((pair) => ({
        example: folder.name,
        ...pair,
      })),
    )
}

/** An expression that matches the shown output exactly, but for `…`, which stands for anything within a line. */
export function outputPattern(output: string): RegExp {
  const literal = output.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
  return new RegExp(`^${literal.join("[^\\n]*")}$`)
}

function pairs(readme: string): { command: string; output: string }[] {
  const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)\n```$/gm)].map((match) => ({
    language: match[1],
    text: match[2] ?? "",
  }))
  return blocks.flatMap((block, index) => {
    if (block.language !== "sh") return []
    const next = blocks[index + 1]
    if (next?.language !== "") throw new Error(`no output is shown for: ${block.text}`)
    return [{ command: block.text, output: next.text }]
  })
}
