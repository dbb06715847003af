/** What a command is: a row of the table in `commands.ts`, and a file with its `run`. */
import type { Environment } from "../config/environment.ts"
import type { LogWriter } from "../log/log-writer.ts"

export interface Command {
  readonly name: string
  /** What follows the name: `[PATH…] [--json]`. */
  readonly usage: string
  readonly summary: string
  readonly details: string
  readonly options: Readonly<Record<string, OptionSpec>>
  /** How many words it takes besides options. */
  readonly words: { readonly min: number; readonly max: number }
  readonly load: () => Promise<CommandProgram>
  /** How long output that nobody takes is waited for at the end, in milliseconds. Default: an hour. */
  readonly flushMs?: number
}

export interface OptionSpec {
  readonly type: "string" | "boolean"
  readonly multiple?: boolean
  /** One letter: `-o`. */
  readonly short?: string
  /** What stands for the value in the help: `HOST:PORT`. */
  readonly value?: string
  readonly choices?: readonly string[]
  readonly help: string
}

export interface CommandProgram {
  /** Resolves with the exit code. A PolyhostError thrown from it is printed as one. */
  run(call: CommandCall): Promise<number>
}

export interface CommandCall {
  readonly words: readonly string[]
  /** The option's value, or its last one. */
  option(name: string): string | undefined
  options(name: string): readonly string[]
  flag(name: string): boolean
  readonly terminal: Terminal
}

/** What a command sees of the world. */
export interface Terminal {
  readonly cwd: string
  readonly env: Environment
  /** Standard output is a terminal. */
  readonly isTerminal: boolean
  /** Some stream is a terminal: a hang-up means that it went away. */
  readonly hasTerminal: boolean
  readonly columns: number
  readonly stdout: LogWriter
  out(text: string): void
  err(text: string): void
  /** Aborted when the launcher is gone. */
  readonly launcherGone: AbortSignal
}

export const EXIT_DONE = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** A mistake in the command line: printed with a pointer to the help, exit code 2. */
export class UsageError extends Error {
  readonly command: string | null

  constructor(message: string, command: string | null) {
    super(message)
    this.command = command
  }
}
