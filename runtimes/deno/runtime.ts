/** Runtime `deno`: one child process an instance, any Deno from 2.3. */

import { guestRuntime } from "../process/guest-runtime.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"
import { commandLine } from "./command-line.ts"

export function createRuntime(launchpad: Launchpad, toolchain: Toolchain): Runtime {
  return guestRuntime("deno", { launchpad, toolchain, commandLine })
}
