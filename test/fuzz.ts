/**
 * `npm run fuzz`: both fuzzers, one after the other: hostile guests against the protocol, and the HTTP/1.1 reader against
 * llhttp. `-- --seconds 60` is the time of each; `-- --inputs 10000000` the inputs of the second. Ends with the first failure.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: { seconds: { type: "string" }, inputs: { type: "string" }, seed: { type: "string" } },
})
const common = [...option("seconds"), ...option("seed")]
run("protocol/fuzz.ts", common)
run("http1/fuzz.ts", [...common, ...option("inputs")])
run("http1/fuzz.ts", [...common, "--mode", "connection"])

function option(name: keyof typeof values): string[] {
  const value = values[name]
  return value === undefined ? [] : [`--${name}`, value]
}

function run(file: string, args: readonly string[]): void {
  process.stdout.write(`${file} ${args.join(" ")}\n`)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: "inherit",
  })
  if (status !== 0) process.exit(status ?? 1)
}
