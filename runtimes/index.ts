/** The way in for the host: every runtime of this machine, by name, and what they share. */
import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { PolyhostError } from "../protocol/errors.ts"
import type { RuntimeName } from "./app-spec.ts"
import { createRuntime as createBun } from "./bun/runtime.ts"
import { createCellEndpoint } from "./cell/cell-endpoint.ts"
import { CellPool } from "./cell/cell-pool.ts"
import { createRuntime as createCommand } from "./command/runtime.ts"
import { createRuntime as createDeno } from "./deno/runtime.ts"
import { createRuntime as createIsolate } from "./isolate/runtime.ts"
import { createRuntime as createNode } from "./node/runtime.ts"
import { createEndpoint } from "./process/endpoint.ts"
import type { Launchpad } from "./process/launchpad.ts"
import { startWatchdog } from "./process/watchdog.ts"
import type { Runtime } from "./runtime.ts"
import { createRuntime as createThread } from "./thread/runtime.ts"
import type { Toolchain } from "./toolchain/index.ts"

export { MAX_INSPECTOR_MESSAGE_BYTES } from "./inspector-link.ts"
export { SharedRead } from "./shared-read.ts"

export interface Runtimes {
  /** Names that this version of the host can run. */
  readonly names: readonly RuntimeName[]
  /** @throws PolyhostError RUNTIME_UNSUPPORTED */
  get(name: RuntimeName): Runtime
  /** After every instance has ended: closes the endpoint and the watchdog and removes the run folder. */
  close(): Promise<void>
}

export interface RuntimesOptions {
  readonly toolchain: Toolchain
  /** A folder of this host's own, short (unix socket paths end at 103 bytes), mode 0700. Removed at the end. */
  readonly runDir: string
  readonly baseEnv: Readonly<Record<string, string>>
  /** Isolate instances in one cell. */
  readonly isolatesPerCell: number
}

export async function createRuntimes(options: RuntimesOptions): Promise<Runtimes> {
  const { toolchain, runDir, baseEnv, isolatesPerCell } = options
  // Before anything is opened that would have to be closed.
  const guest = builtFile("guest/guest.cjs")
  const threads = builtFile("cell/thread.mjs")
  const isolates = builtFile("cell/isolate.mjs")
  const endpoint = await createEndpoint(runDir)
  const cellEndpoint = await createCellEndpoint(runDir)
  const watchdog = startWatchdog(runDir)
  let launches = 0
  const launchpad: Launchpad = {
    endpoint,
    watchdog,
    runDir,
    baseEnv,
    guestFile: guest,
    nextPrefix: () => `${(++launches).toString(36)}.`,
  }
  const cells = new CellPool(launchpad, cellEndpoint)
  const runtimes = new Map<RuntimeName, Runtime>()
  for (const runtime of [
    createNode(launchpad, toolchain),
    createBun(launchpad, toolchain),
    createDeno(launchpad, toolchain),
    createThread({ launchpad, toolchain, cells, program: threads }),
    createIsolate({ launchpad, toolchain, cells, program: isolates, isolatesPerCell }),
    createCommand(launchpad),
  ]) {
    runtimes.set(runtime.name, runtime)
  }
  return {
    names: [...runtimes.keys()],
    get(name) {
      const runtime = runtimes.get(name)
      if (runtime !== undefined) return runtime
      throw new PolyhostError(
        "RUNTIME_UNSUPPORTED",
        `runtime "${name}" is not available in this version of Polyhost (available: ${[...runtimes.keys()].join(", ")})`,
      )
    },
    async close() {
      await cells.close()
      await cellEndpoint.close()
      await endpoint.close()
      await watchdog.close()
      await rm(runDir, { recursive: true, force: true })
    },
  }
}

/** A file of `dist/`, beside the sources' package.json or in the installed package. */
function builtFile(name: string): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (true) {
    const file = join(dir, "dist", name)
    if (existsSync(file)) return file
    const parent = dirname(dir)
    if (parent === dir) break
    dir = parent
  }
  throw new PolyhostError(
    "RUNTIME_UNSUPPORTED",
    `dist/${name} is not built: run "npm run build" in the checkout`,
  )
}
