/**
 * Command line of a Bun process that runs an app: the app's entry stays the main program, the guest is preloaded (before the
 * preloads of the app's own bunfig.toml, which stay).
 */
import * as semver from "semver"
import { PolyhostError } from "../../protocol/errors.ts"
import type { CommandLine, CommandLineInput } from "../command-line.ts"

const OLDEST = "1.2.0"

export function commandLine({ entry, version, args, guest }: CommandLineInput): CommandLine {
  if (semver.lt(version, OLDEST)) {
    throw new PolyhostError(
      "RUNTIME_UNSUPPORTED",
      `bun ${version} is too old: Polyhost runs apps on bun ${OLDEST} and later`,
    )
  }
  // Without node_modules Bun would download packages while the app starts, whatever their newest version is: ask for `bun install`.
  const decided = args.some((arg) => /^(-i$|--install(=|$)|--no-install$)/.test(arg))
  const install = decided ? [] : ["--no-install"]
  return { args: [...install, ...args, "--preload", guest, entry], env: {}, mainIsGuest: false }
}
