/**
 * The command line's entry, called by polyhost.js under a Node that is new enough. Owns argv, the exit code and the
 * standard streams; what a command does is in the file that bears its name.
 */
import { isatty } from "node:tty"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { hostEnvironment } from "../config/environment.ts"
import { createFdWriter } from "../log/log-writer.ts"
import { hostVersion } from "../version.ts"
import { type ParsedLine, parseLine } from "./arguments.ts"
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, type Terminal, UsageError } from "./command.ts"
import { commandHelp, generalHelp } from "./help.ts"
import { launcherGone } from "./launcher.ts"

const HOUR_MS = 3_600_000

export async function main(): Promise<void> {
  const stdout = createFdWriter(1)
  const stderr = createFdWriter(2)
  const terminal: Terminal = {
    cwd: process.cwd(),
    env: hostEnvironment(),
    isTerminal: isatty(1),
    hasTerminal: [0, 1, 2].some((fd) => isatty(fd)),
    columns: (isatty(1) ? process.stdout.columns : 0) || 80,
    stdout,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    launcherGone: launcherGone(process.env),
  }
  let line: ParsedLine | undefined
  let code: number
  try {
    line = parseLine(process.argv.slice(2), terminal)
    code = await run(line, terminal)
  } catch (error) {
    code = report(error, terminal)
  }
  const flushMs = line?.kind === "call" ? (line.command.flushMs ?? HOUR_MS) : HOUR_MS
  await Promise.all([stdout.flush(flushMs), stderr.flush(flushMs)])
  process.exit(code)
}

async function run(line: ParsedLine, terminal: Terminal): Promise<number> {
  switch (line.kind) {
    case "version":
      terminal.out(`${hostVersion()}\n`)
      return EXIT_DONE
    case "help":
      terminal.out(line.command === null ? generalHelp() : commandHelp(line.command))
      return EXIT_DONE
    case "call": {
      const program = await line.command.load()
      return program.run(line.call)
    }
  }
}

function report(error: unknown, terminal: Terminal): number {
  if (error instanceof UsageError) {
    const help = error.command === null ? "polyhost --help" : `polyhost ${error.command} --help`
    terminal.err(`polyhost: ${error.message}\nTry "${help}".\n`)
    return EXIT_USAGE
  }
  if (error instanceof PolyhostError) {
    terminal.err(`polyhost: ${error.code}: ${error.message}\n`)
    return error.code.startsWith("CONFIG_") ? EXIT_USAGE : EXIT_FAILED
  }
  terminal.err(`polyhost: ${(error instanceof Error ? error.stack : undefined) ?? messageOf(error)}\n`)
  return EXIT_FAILED
}
