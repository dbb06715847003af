/** What the runtimes with a guest have in common: everything but the command line. */
import type { RuntimeName } from "../app-spec.ts"
import type { CommandLine, CommandLineInput } from "../command-line.ts"
import { createProcessInspector, inspectorProtocol } from "../inspect/process-inspector.ts"
import type { Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"
import { launchGuest } from "./launch-guest.ts"
import type { Launchpad } from "./launchpad.ts"
import { privateSocketPaths } from "./private-sockets.ts"

export function guestRuntime(
  name: RuntimeName,
  parts: {
    launchpad: Launchpad
    toolchain: Toolchain
    commandLine: (input: CommandLineInput) => CommandLine
  },
): Runtime {
  return {
    name,
    capabilities: {
      installable: true,
      interfaces: ["fetch", "server"],
      guest: true,
      inspector: inspectorProtocol(name),
      entry: true,
    },
    resolve: (spec, { signal }) =>
      parts.toolchain.resolve(spec.runtime, { app: spec.name, dir: spec.dir, signal }),
    // Async, so that a command line which is impossible on this version rejects.
    launch: async (spec, resolved, options) => {
      const prefix = parts.launchpad.nextPrefix()
      const { inspect: fromStart } = options
      const { runDir } = parts.launchpad
      const inspector = await createProcessInspector({ runtime: name, fromStart, runDir, prefix })
      const commandLine = parts.commandLine({
        entry: spec.entry ?? "",
        version: resolved.version,
        args: [...spec.runtime.args, ...inspector.args],
        guest: parts.launchpad.guestFile,
        interface: spec.interface === "fetch" || spec.interface === "server" ? spec.interface : "auto",
        dir: spec.dir,
        sockets: [parts.launchpad.endpoint.path, ...privateSocketPaths(parts.launchpad.runDir, prefix)],
      })
      const args = [...commandLine.args, ...spec.args]
      const withArgs = { ...commandLine, args }
      const launch = { spec, resolved, commandLine: withArgs, options, prefix, inspector }
      return launchGuest(parts.launchpad, launch)
    },
  }
}
