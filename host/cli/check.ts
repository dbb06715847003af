/** `polyhost check`: every problem of a configuration. Starts nothing. */
import { formatProblem, isError, loadConfig } from "../config/index.ts"
import { type CommandCall, EXIT_DONE, EXIT_USAGE } from "./command.ts"
import { count } from "./table.ts"

export async function run({ words, terminal }: CommandCall): Promise<number> {
  const { problems, apps, broken } = await loadConfig({ paths: words, cwd: terminal.cwd })
  for (const problem of problems) terminal.out(`${formatProblem(problem, terminal.cwd)}\n`)
  const errors = problems.filter(isError).length
  const parts = [
    count(apps.length + broken.length, "app"),
    count(errors, "error"),
    count(problems.length - errors, "warning"),
  ]
  terminal.out(`${parts.join(", ")}\n`)
  return errors === 0 ? EXIT_DONE : EXIT_USAGE
}
