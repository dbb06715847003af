/**
 * Command line of a Bun process that runs an app: the app's entry stays the main program, the guest is preloaded (before the
 * preloads of the app's own bunfig.toml, which stay).
 */
import { PolyhostError } from "../../protocol/errors.ts"
import type { CommandLine, CommandLineInput } from "../command-line.ts"
import { HEAD_BYTES_FLAG } from "../head-bytes.ts"
import { isNewEnough, OLDEST_VERSIONS } from "../toolchain/oldest.ts"

export function commandLine({ entry, version, args, guest }: CommandLineInput): CommandLine {
  if (!isNewEnough("bun", version)) {
    throw new PolyhostError(
      "RUNTIME_UNSUPPORTED",
      `bun ${version} is too old: Polyhost runs apps on bun ${OLDEST_VERSIONS.bun} and later`,
    )
  }
  // Without node_modules Bun would download packages while the app starts, whatever their newest version is: ask for `bun install`.
  const decided = args.some((arg) => /^(-i$|--install(=|$)|--no-install$)/.test(arg))
  const install = decided ? [] : ["--no-install"]
  return {
    args: [...install, HEAD_BYTES_FLAG, ...args, "--preload", guest, entry],
    env: {},
    mainIsGuest: false,
  }
}
