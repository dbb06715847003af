/** Runtime `node`: one child process an instance, any Node from 14 (fetch apps: from 18). */

import { guestRuntime } from "../process/guest-runtime.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"
import { commandLine } from "./command-line.ts"

export function createRuntime(launchpad: Launchpad, toolchain: Toolchain): Runtime {
  return guestRuntime("node", { launchpad, toolchain, commandLine })
}
