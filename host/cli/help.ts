/** The help, made from the table of commands; at most 80 columns wide. */
import type { Command } from "./command.ts"
import { COMMANDS } from "./commands.ts"
import { table } from "./table.ts"

export function generalHelp(): string {
  return `Polyhost: one server, many applications, each on the runtime it declares.

Usage: polyhost COMMAND [options]

${indent(table(COMMANDS.map(({ name, summary }) => [name, summary])))}
  polyhost COMMAND --help    says more about a command
  polyhost --version

Exit codes: 0 done, 1 failed, 2 usage or configuration.
`
}

export function commandHelp({ name, usage, summary, details, options }: Command): string {
  const rows = Object.entries(options).map(([option, { value, short, help }]) => [
    `${short === undefined ? "" : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}`,
    help,
  ])
  const shown = rows.length === 0 ? "" : `\nOptions:\n${indent(table(rows))}`
  return `polyhost ${name}: ${summary}

Usage: polyhost ${name} ${usage}

${details}
${shown}`
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ")
}
