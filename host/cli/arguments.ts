/** Reads a command line by the table of commands. Every mistake names what is allowed and the nearest word. */
import { parseArgs } from "node:util"
import { didYouMean } from "../config/suggest.ts"
import { type Command, type CommandCall, type OptionSpec, type Terminal, UsageError } from "./command.ts"
import { COMMANDS, LATER_COMMANDS } from "./commands.ts"

export type ParsedLine =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly command: Command | null }
  | { readonly kind: "call"; readonly command: Command; readonly call: CommandCall }

/** @throws UsageError */
export function parseLine(argv: readonly string[], terminal: Terminal): ParsedLine {
  const [first, ...rest] = argv
  if (first === undefined) throw new UsageError("a command is expected", null)
  if (first === "--version" || first === "-v" || first === "-V") return { kind: "version" }
  if (first === "--help" || first === "-h" || first === "help") {
    return { kind: "help", command: rest[0] === undefined ? null : commandNamed(rest[0]) }
  }
  const command = commandNamed(first)
  const values = readOptions(rest, command)
  if (values === "help") return { kind: "help", command }
  const { words, options } = values
  checkWords(words, command)
  return {
    kind: "call",
    command,
    call: {
      words,
      option: (name) => options.get(name)?.at(-1),
      options: (name) => options.get(name) ?? [],
      flag: (name) => options.has(name),
      terminal,
    },
  }
}

function commandNamed(word: string): Command {
  const found = COMMANDS.find(({ name }) => name === word)
  if (found !== undefined) return found
  if (LATER_COMMANDS.includes(word)) throw new UsageError(`"${word}" is not in this version`, null)
  const names = COMMANDS.map(({ name }) => name)
  if (word.startsWith("-")) throw new UsageError(`unknown option "${word}"; a command comes first`, null)
  const hint = didYouMean(word, names)
  throw new UsageError(`unknown command "${word}"${hint || ` (commands: ${names.join(", ")})`}`, null)
}

interface Values {
  readonly words: string[]
  readonly options: Map<string, string[]>
}

function readOptions(args: readonly string[], command: Command): Values | "help" {
  const known: Record<string, OptionSpec> = { ...command.options, help: { type: "boolean", help: "" } }
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(
        Object.entries(known).map(([name, { type, short }]) => [
          name,
          { type, multiple: true, ...(short === undefined ? {} : { short }) },
        ]),
      ),
      help: { type: "boolean", short: "h" },
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Values = { words: [], options: new Map() }
  const fail = (message: string): never => {
    throw new UsageError(message, command.name)
  }
  for (const token of tokens) {
    if (token.kind === "positional") values.words.push(token.value)
    if (token.kind !== "option") continue
    const { name, rawName, value } = token
    const spec = Object.hasOwn(known, name) ? known[name] : undefined
    if (spec === undefined) return fail(unknownOption(rawName, Object.keys(known), command))
    if (name === "help") return "help"
    if (spec.type === "boolean" && value !== undefined) return fail(`${rawName} takes no value`)
    if (spec.type === "string") {
      const wanted = `${rawName} needs a value: ${rawName} ${spec.value ?? "VALUE"}`
      if (value === undefined || value === "") return fail(wanted)
      if (!token.inlineValue && value.startsWith("-")) return fail(wanted)
      if (spec.choices !== undefined && !spec.choices.includes(value)) {
        return fail(`${rawName} is ${spec.choices.join(" or ")}, not "${value}"`)
      }
      if (spec.multiple !== true && values.options.has(name)) return fail(`${rawName} is given twice`)
    }
    values.options.set(name, [...(values.options.get(name) ?? []), value ?? ""])
  }
  return values
}

function unknownOption(rawName: string, names: readonly string[], command: Command): string {
  const options = names.map((name) => `--${name}`)
  const hint = didYouMean(rawName, options)
  return `unknown option "${rawName}" of "${command.name}"${hint || ` (options: ${options.join(", ")})`}`
}

function checkWords(words: readonly string[], { name, usage, words: allowed }: Command): void {
  if (words.length < allowed.min) {
    throw new UsageError(`"${name}" needs ${usage.split(" ")[0]}: polyhost ${name} ${usage}`, name)
  }
  if (words.length > allowed.max) {
    throw new UsageError(`"${name}" does not take "${words[allowed.max]}": polyhost ${name} ${usage}`, name)
  }
}
