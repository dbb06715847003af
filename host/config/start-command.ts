/** Start commands of package.json and deno.json in their plain form: one known program and one file. */
import { type Convention, DETECTABLE, FLAGS_WITH_VALUE } from "./conventions.ts"

export interface StartCommand {
  readonly convention: Convention
  readonly file: string
  /** Arguments after the file. */
  readonly args: readonly string[]
  /** Words that are not taken over: variables before the program, flags. */
  readonly dropped: readonly string[]
}

/** A program that a package brings, and its arguments: `next start`. */
export interface PackageCommand {
  readonly program: string
  readonly args: readonly string[]
}

/** Programs that build, watch or start others: what serves is a child of theirs, or nothing. */
const TOOLS: ReadonlySet<string> = new Set(
  (
    "npm npx yarn pnpm cross-env cross-env-shell dotenv env-cmd concurrently npm-run-all run-s run-p nodemon ts-node-dev " +
    "tsx ts-node pm2 forever nest ng react-scripts tsc webpack rollup turbo nx lerna node bun deno"
  ).split(" "),
)

/** Null for anything but one program by its name and plain words after it. */
export function parsePackageCommand(script: string): PackageCommand | null {
  const [program = "", ...args] = script.trim().split(/\s+/)
  const isPlain = /^[\w@][\w.@-]*$/.test(program) && args.every((arg) => /^[\w./:=@-]+$/.test(arg))
  return isPlain && !TOOLS.has(program) ? { program, args } : null
}

/** Null for anything but `node FILE`, `bun [run] FILE` or `deno [run|serve] FILE`, with flags and variables around. */
export function parseStartCommand(script: string): StartCommand | null {
  if (/[&|;<>`$"'\\\n]/.test(script)) return null
  const words = script.trim().split(/\s+/)
  const dropped: string[] = []
  while (/^[A-Za-z_]\w*=/.test(words[0] ?? "")) dropped.push(words.shift()!)
  const program = words.shift()
  const convention = DETECTABLE.find((one) => one.name === program)
  if (convention === undefined) return null
  if (convention.runsTasks && (words[0] === "run" || words[0] === "serve")) words.shift()
  while (words[0]?.startsWith("-")) {
    const flag = words.shift()!
    if (flag === "-e" || flag === "--eval" || flag === "-p") return null
    if (!isPermission(flag)) dropped.push(flag)
    if (FLAGS_WITH_VALUE.has(flag) && words.length > 0) dropped.push(words.shift()!)
  }
  const file = words.shift()
  if (file === undefined || /^\w+:/.test(file)) return null
  if (convention.runsTasks && !/[./]/.test(file)) return null
  return { convention, file, args: words, dropped }
}

function isPermission(flag: string): boolean {
  return flag === "-A" || flag.startsWith("--allow-")
}
