/**
 * Runtime `isolate`: one V8 isolate an instance, many in a cell. The half in the cell is `cell/`, what runs in an isolate before the app
 * is `inside/` and `web/`. isolated-vm is an optional package with a native part: only cells load it, and where it has no build
 * this runtime alone is unavailable.
 */
import { PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../app-spec.ts"
import type { CellPool, CellWish } from "../cell/cell-pool.ts"
import { launchInCell } from "../cell/launch-in-cell.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { LaunchOptions, Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"
import { BUILDS, whyMissing, whyUnloadable } from "./native-module.ts"

export interface IsolateParts {
  readonly launchpad: Launchpad
  readonly toolchain: Toolchain
  readonly cells: CellPool
  /** Path of the bundled cell program. */
  readonly program: string
  readonly isolatesPerCell: number
}

const NEWEST = "26"

/** The cell's own heap: it holds bytes on their way, bundles and source maps. Isolates have theirs beside it. */
const CELL_HEAP_MB = 512

export function createRuntime(parts: IsolateParts): Runtime {
  const { launchpad, toolchain, cells, program, isolatesPerCell } = parts
  /** Paths of Nodes that are known to load isolated-vm. */
  const loads = new Set<string>()
  /** Versions of Node whose build was found: every start asks. */
  const built = new Set<string>()
  return {
    name: "isolate",
    capabilities: { installable: false, interfaces: ["fetch"], guest: true, inspector: "v8", entry: true },
    async resolve(spec, { signal }) {
      checkAsked(spec)
      const major = process.versions.node.split(".")[0] as string
      const resolved = BUILDS.has(major)
        ? { version: process.versions.node, path: process.execPath }
        : await toolchain.resolve(
            { name: "node", version: NEWEST, path: null, args: [] },
            { app: spec.name, dir: spec.dir, signal },
          )
      const missing = built.has(resolved.version) ? null : whyMissing(program, resolved.version)
      if (missing !== null) throw unsupported(spec, missing)
      built.add(resolved.version)
      return { name: "isolate", version: resolved.version, path: resolved.path }
    },
    async launch(spec, resolved, options) {
      const wish: CellWish = {
        app: spec.name,
        file: resolved.path,
        // isolated-vm asks for the first; the cell's loop itself stays small.
        args: ["--no-node-snapshot", `--max-old-space-size=${CELL_HEAP_MB}`, program],
        cwd: launchpad.runDir,
        // The allocator keeps a heap for each thread unless told otherwise; isolates move between threads.
        env: { ...launchpad.baseEnv, MALLOC_ARENA_MAX: "2" },
        group: groupOf(spec, options),
        most: options.inspect ? 1 : isolatesPerCell,
      }
      const { env } = spec
      try {
        const launch = { spec, resolved, options, wish, guest: "isolate", env } as const
        const instance = await launchInCell(launchpad, cells, launch)
        loads.add(resolved.path)
        return instance
      } catch (error) {
        // A cell that dies at once has no words for why.
        if (loads.has(resolved.path) || options.signal.aborted) throw error
        const why = await whyUnloadable(program, resolved.path, wish.env)
        if (why !== null) throw unsupported(spec, why, error)
        loads.add(resolved.path)
        throw error
      }
    },
  }
}

/** One that is debugged has a cell to itself: V8's inspector may stop, or end, the whole process. */
function groupOf({ cell }: AppSpec, { inspect, instanceId }: LaunchOptions): string {
  if (inspect) return `isolate inspected ${instanceId}`
  return cell === null ? "isolates" : `isolates of cell ${cell}`
}

function checkAsked(spec: AppSpec): void {
  const { version, path, args } = spec.runtime
  const asked = version !== "" ? "a version" : path !== null ? "a path" : args.length > 0 ? "arguments" : null
  if (asked !== null)
    throw unsupported(
      spec,
      `it has ${asked}, but isolates share the V8 of their cell: take "runtime": "isolate"`,
    )
}

function unsupported(spec: AppSpec, why: string, cause?: unknown): PolyhostError {
  return new PolyhostError(
    "RUNTIME_UNSUPPORTED",
    `App "${spec.name}": runtime "isolate" is not available: ${why}. Runtimes "thread" and "node" run the same fetch app`,
    { cause },
  )
}
