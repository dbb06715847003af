/**
 * Runtime `thread`: one worker thread an instance, in a cell of the host's own Node or of the version that the app asks for. The half in the
 * cell is `inside/`.
 */
import { delimiter, dirname } from "node:path"
import * as semver from "semver"
import { PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../app-spec.ts"
import type { CellPool, CellWish } from "../cell/cell-pool.ts"
import { launchInCell } from "../cell/launch-in-cell.ts"
import { nodeFlags } from "../node/command-line.ts"
import { guestInterface } from "../process/guest-start.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { ResolvedRuntime, Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"

export interface ThreadParts {
  readonly launchpad: Launchpad
  readonly toolchain: Toolchain
  readonly cells: CellPool
  /** Path of the bundled cell program. */
  readonly program: string
}

/** Piscina needs 20; the report that tells whose thread ended a cell must leave the network alone, which came later. */
const OLDEST = "20.13.0"

export function createRuntime({ launchpad, toolchain, cells, program }: ThreadParts): Runtime {
  return {
    name: "thread",
    capabilities: {
      installable: false,
      interfaces: ["fetch", "server"],
      guest: true,
      inspector: "v8",
      entry: true,
    },
    async resolve(spec, { signal }) {
      const { version, path } = spec.runtime
      if (version === "" && path === null && isNewEnough(process.versions.node))
        return { name: "thread", version: process.versions.node, path: process.execPath }
      const request = {
        ...spec.runtime,
        name: "node" as const,
        version: path === null && version === "" ? `>=${OLDEST}` : version,
      }
      const resolved = await toolchain.resolve(request, { app: spec.name, dir: spec.dir, signal })
      if (!isNewEnough(resolved.version)) throw tooOld(spec, resolved)
      return { ...resolved, name: "thread" }
    },
    async launch(spec, resolved, options) {
      const env = {
        ...launchpad.baseEnv,
        PATH: [dirname(resolved.path), launchpad.baseEnv["PATH"]].filter(Boolean).join(delimiter),
      }
      const wish: CellWish = {
        app: spec.name,
        file: resolved.path,
        // Flags of the process: its threads have them too.
        args: [
          ...nodeFlags({
            entry: spec.entry ?? "",
            version: resolved.version,
            args: spec.runtime.args,
            interface: guestInterface(spec),
          }),
          program,
        ],
        cwd: spec.dir,
        env,
        group: spec.cell === null ? `thread app ${spec.name} ${spec.dir}` : `thread cell ${spec.cell}`,
        most: Number.POSITIVE_INFINITY,
      }
      return launchInCell(launchpad, cells, {
        spec,
        resolved,
        options,
        wish,
        guest: "node",
        env: { ...env, ...spec.env },
      })
    },
  }
}

function isNewEnough(version: string): boolean {
  return semver.gte(version, OLDEST)
}

function tooOld(spec: AppSpec, { version }: ResolvedRuntime): PolyhostError {
  return new PolyhostError(
    "RUNTIME_UNSUPPORTED",
    `App "${spec.name}": node ${version} is too old for runtime "thread", which needs node 20.13 or later. Ask for a newer one, or use runtime "node"`,
  )
}
