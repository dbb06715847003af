/**
 * What the npm registry knows about runtime packages: published versions, promised hashes, tarballs. One per
 * toolchain; answers are remembered for a while, concurrent questions are asked once.
 */
import { readdir, readlink, stat } from "node:fs/promises"
import { join } from "node:path"
import { NpmFailure, npmJson } from "./npm.ts"
import { createSharedTasks } from "./shared-tasks.ts"
import type { Environment } from "./types.ts"

export interface Registry {
  /** Every published version of a package. Rejects with NpmFailure, or with the signal's reason. */
  versions(packageName: string, cwd: string, signal: AbortSignal): Promise<readonly string[]>
  /** What the registry promises about one version. */
  dist(packageName: string, version: string, cwd: string, signal: AbortSignal): Promise<Dist>
  /** Downloads the tarball into `folder`. @returns its file name. */
  download(packageName: string, version: string, options: DownloadOptions): Promise<string>
}

export interface Dist {
  /** `sha512-BASE64`. */
  readonly integrity: string
  readonly unpackedBytes: number | null
}

export interface DownloadOptions {
  readonly folder: string
  readonly cwd: string
  readonly signal: AbortSignal
  /** Called about twice a second; bytes are null where they cannot be seen. */
  readonly progress: (bytes: number | null) => void
}

export function createRegistry(env: Environment): Registry {
  const asked = createSharedTasks<readonly string[]>()
  const remembered = new Map<
    string,
    { untilMs: number; versions: readonly string[] } | { untilMs: number; failure: NpmFailure }
  >()

  return {
    async versions(packageName, cwd, signal) {
      const known = remembered.get(packageName)
      if (known && Date.now() < known.untilMs) {
        if ("failure" in known) throw known.failure
        return known.versions
      }
      return asked.run(packageName, signal, async (taskSignal) => {
        try {
          const versions = versionList(
            await npmJson(["view", packageName, "versions", ...IMPATIENT], {
              cwd,
              env,
              signal: taskSignal,
              timeoutMs: QUERY_TIMEOUT_MS,
            }),
          )
          remembered.set(packageName, { untilMs: Date.now() + ANSWER_KEPT_MS, versions })
          return versions
        } catch (error) {
          if (error instanceof NpmFailure)
            remembered.set(packageName, { untilMs: Date.now() + FAILURE_KEPT_MS, failure: error })
          throw error
        }
      })
    },

    async dist(packageName, version, cwd, signal) {
      const spec = `${packageName}@${version}`
      const answer = await npmJson(["view", spec, "dist", ...IMPATIENT], {
        cwd,
        env,
        signal,
        timeoutMs: QUERY_TIMEOUT_MS,
      })
      // An exact version that does not exist gives no output at all in some npm versions.
      if (typeof answer !== "object" || answer === null)
        throw new NpmFailure("not-published", `${spec} is not published`)
      const dist: { integrity?: unknown; unpackedSize?: unknown } = answer
      const integrity =
        typeof dist.integrity === "string"
          ? dist.integrity.split(/\s+/).find((part) => part.startsWith("sha512-"))
          : undefined
      if (!integrity) throw new NpmFailure("integrity", `the registry gives no sha512 for ${spec}`)
      return { integrity, unpackedBytes: typeof dist.unpackedSize === "number" ? dist.unpackedSize : null }
    },

    async download(packageName, version, options) {
      const { folder, cwd, signal, progress } = options
      let npmPid: number | null = null
      const ticks = setInterval(() => {
        void (npmPid === null ? Promise.resolve(null) : downloadedBytes(npmPid)).then(progress)
      }, PROGRESS_INTERVAL_MS)
      try {
        const args = ["pack", `${packageName}@${version}`, "--ignore-scripts", "--pack-destination", folder]
        await npmJson(args, {
          cwd,
          env,
          signal,
          timeoutMs: DOWNLOAD_TIMEOUT_MS,
          onSpawn: (pid) => (npmPid = pid),
        })
      } finally {
        clearInterval(ticks)
      }
      const tarball = (await readdir(folder)).find((file) => file.endsWith(".tgz"))
      if (!tarball) throw new NpmFailure("failed", `npm pack ${packageName}@${version} wrote no tarball`)
      return tarball
    },
  }
}

const QUERY_TIMEOUT_MS = 60_000
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000
const PROGRESS_INTERVAL_MS = 500
const ANSWER_KEPT_MS = 10 * 60_000
const FAILURE_KEPT_MS = 10_000
/** A question may fail soon (there are installed versions to fall back on); a download keeps the user's patience. */
const IMPATIENT = ["--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=1000"]

/** `npm view` prints a bare string when there is one version only. */
function versionList(answer: unknown): readonly string[] {
  if (typeof answer === "string") return [answer]
  if (Array.isArray(answer)) return answer.filter((version): version is string => typeof version === "string")
  throw new NpmFailure("failed", "npm view gave no list of versions")
}

/** npm streams a tarball into its cache's tmp folder; on Linux its open files tell how far it is. */
async function downloadedBytes(npmPid: number): Promise<number | null> {
  const folder = `/proc/${npmPid}/fd`
  try {
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (fd) => {
        const path = await readlink(join(folder, fd)).catch(() => "")
        return path.includes("/_cacache/tmp/")
          ? await stat(path).then(
              (s) => s.size,
              () => 0,
            )
          : 0
      }),
    )
    return Math.max(0, ...sizes) || null
  } catch {
    return null
  }
}
