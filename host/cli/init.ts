/** `polyhost init`: writes an app manifest for a folder and says why. */
import { relative, resolve } from "node:path"
import { formatProblem, planInit, writeInit } from "../config/index.ts"
import { type CommandCall, EXIT_DONE } from "./command.ts"

export async function run({ words, terminal }: CommandCall): Promise<number> {
  const plan = await planInit(resolve(terminal.cwd, words[0] ?? "."))
  await writeInit(plan)
  for (const problem of plan.problems) terminal.err(`${formatProblem(problem, terminal.cwd)}\n`)
  const path = relative(terminal.cwd, plan.path)
  terminal.out(`wrote ${path.startsWith("..") ? plan.path : path}\n`)
  for (const reason of plan.reasons) terminal.out(`  ${reason}\n`)
  return EXIT_DONE
}
