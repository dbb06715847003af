/**
 * Runtime `isolate`: one V8 isolate an instance, many in a cell. The half in the cell is `cell/`, what runs in an isolate before the app
 * is `inside/` and `web/`. isolated-vm is an optional package with a native part: only cells load it, and where it has no build
 * this runtime alone is unavailable.
 */
import { existsSync, readdirSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../app-spec.ts"
import type { CellPool, CellWish } from "../cell/cell-pool.ts"
import { launchInCell } from "../cell/launch-in-cell.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { LaunchOptions, Runtime } from "../runtime.ts"
import type { Toolchain } from "../toolchain/index.ts"

export interface IsolateParts {
  readonly launchpad: Launchpad
  readonly toolchain: Toolchain
  readonly cells: CellPool
  /** Path of the bundled cell program. */
  readonly program: string
  readonly isolatesPerCell: number
}

/** Versions of Node that isolated-vm has builds for, with the number of their native interface. */
const BUILDS: ReadonlyMap<string, string> = new Map([
  ["24", "137"],
  ["26", "147"],
])
const NEWEST = "26"

/** The cell's own heap: it holds bytes on their way, bundles and source maps. Isolates have theirs beside it. */
const CELL_HEAP_MB = 512

export function createRuntime(parts: IsolateParts): Runtime {
  const { launchpad, toolchain, cells, program, isolatesPerCell } = parts
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
      if (!built.has(resolved.version)) checkBuild(spec, program, resolved.version)
      built.add(resolved.version)
      return { name: "isolate", version: resolved.version, path: resolved.path }
    },
    launch(spec, resolved, options) {
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
      return launchInCell(launchpad, cells, {
        spec,
        resolved,
        options,
        wish,
        guest: "isolate",
        env: spec.env,
      })
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

/** Whether isolated-vm is installed with a build for this machine. It is not loaded: only cells do that. */
function checkBuild(spec: AppSpec, program: string, version: string): void {
  let folder: string
  try {
    folder = dirname(createRequire(program).resolve("isolated-vm/package.json"))
  } catch (error) {
    throw unsupported(spec, `the package isolated-vm is not installed (${firstLine(messageOf(error))})`)
  }
  if (existsSync(join(folder, "build", "Release"))) return
  const platform = `${process.platform}-${process.arch}`
  const builds = join(folder, "prebuilds", platform)
  const abi = BUILDS.get(version.split(".")[0] as string)
  const found = existsSync(builds) ? readdirSync(builds) : []
  if (abi !== undefined && found.some((name) => name.includes(`.abi${abi}.`))) return
  throw unsupported(spec, `isolated-vm has no build for ${platform} and node ${version}`)
}

function unsupported(spec: AppSpec, why: string): PolyhostError {
  return new PolyhostError(
    "RUNTIME_UNSUPPORTED",
    `App "${spec.name}": runtime "isolate" is not available: ${why}. Runtimes "thread" and "node" run the same fetch app`,
  )
}

function firstLine(text: string): string {
  return text.split("\n")[0] as string
}
