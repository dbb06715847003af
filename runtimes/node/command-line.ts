/**
 * Command line of a Node process that runs an app: the app's entry stays the main program, the guest is preloaded. Knows which
 * version understands which flag. The environment's other variables and the spawn itself are the launcher's.
 */
import { extname } from "node:path"
import * as semver from "semver"
import { PolyhostError } from "../../protocol/errors.ts"
import type { CommandLine, CommandLineInput } from "../command-line.ts"
import { HEAD_BYTES_FLAG } from "../head-bytes.ts"
import { isNewEnough, OLDEST_VERSIONS } from "../toolchain/oldest.ts"

const STRIPS_TYPES_BY_FLAG = ">=22.6.0"
const STRIPS_TYPES = ">=22.18.0 <23 || >=23.6.0"
const CAN_DISABLE_WARNINGS = ">=20.11.0 <21 || >=21.3.0"

export function commandLine(input: CommandLineInput): CommandLine {
  const { entry, args, guest } = input
  return {
    args: [...nodeFlags(input), ...args, "--require", guest, entry],
    // Stays in the app's environment: its node:cluster workers inherit --require and learn from it what they are.
    env: { POLYHOST_CAPTURE: "1" },
    mainIsGuest: false,
  }
}

/** What this version needs to run the entry. @throws PolyhostError RUNTIME_UNSUPPORTED when it cannot. */
export function nodeFlags(input: Omit<CommandLineInput, "guest" | "dir" | "sockets">): string[] {
  const { entry, version, args } = input
  refuseUnsupported(input)
  const typescript = isTypeScript(entry) && !bringsLoader(args) ? typeScriptFlags(entry, version) : []
  return [...typescript, HEAD_BYTES_FLAG]
}

function refuseUnsupported({
  entry,
  version,
  args,
  interface: name,
}: Omit<CommandLineInput, "guest" | "dir" | "sockets">): void {
  if (!isNewEnough("node", version)) {
    throw unsupported(
      `node ${version} is too old: Polyhost runs apps on node ${OLDEST_VERSIONS.node} and later`,
    )
  }
  if (name === "fetch" && semver.lt(version, "18.0.0")) {
    throw unsupported(
      `node ${version} has no fetch API, which "interface": "fetch" needs. Use node@18 or later, or "interface": "server"`,
    )
  }
  if (/\.[jt]sx$/.test(entry) && !bringsLoader(args)) {
    throw unsupported(`node cannot run "${entry}" (JSX). Use bun or deno, or build it to JavaScript first`)
  }
}

function typeScriptFlags(entry: string, version: string): string[] {
  if (!semver.satisfies(version, STRIPS_TYPES_BY_FLAG)) {
    throw unsupported(
      `node ${version} cannot run TypeScript ("${entry}"): use node@22.18 or later, bun or deno, or build to JavaScript first`,
    )
  }
  const flag = semver.satisfies(version, STRIPS_TYPES) ? [] : ["--experimental-strip-types"]
  const quiet = semver.satisfies(version, CAN_DISABLE_WARNINGS)
    ? ["--disable-warning=ExperimentalWarning"]
    : []
  return [...flag, ...quiet]
}

function isTypeScript(entry: string): boolean {
  return [".ts", ".mts", ".cts"].includes(extname(entry))
}

/** `--import tsx` and the like: the app sees to its TypeScript itself. */
function bringsLoader(args: readonly string[]): boolean {
  return args.some((arg) =>
    /^(--import|--require|-r|--loader|--experimental-(loader|transform-types|strip-types))(=|$)/.test(arg),
  )
}

function unsupported(message: string): PolyhostError {
  return new PolyhostError("RUNTIME_UNSUPPORTED", message)
}
