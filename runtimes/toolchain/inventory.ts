/**
 * Which versions are installed on this machine: the cache, version managers' folders, PATH. A binary is run for its
 * version only where no folder name tells it, once for each file. Installs nothing.
 */
import { realpath, stat } from "node:fs/promises"
import { basename, delimiter, isAbsolute, join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import semver from "semver"
import { type Cache, entries, isExecutableFile } from "./cache.ts"
import { runProgram } from "./run-program.ts"
import {
  type Environment,
  type InstalledRuntime,
  type RuntimeSource,
  TOOLCHAIN_NAMES,
  type ToolchainName,
} from "./types.ts"
import { isShimFolder, managerFolders, ownFolders } from "./version-managers.ts"

export interface Inventory {
  /** Every installed version of one runtime; of the same version the most trusted source comes first. */
  list(name: ToolchainName): Promise<InstalledRuntime[]>
  /** One exact version, looked for in the cheap places first; null when it is nowhere. */
  find(name: ToolchainName, version: string): Promise<InstalledRuntime | null>
  /** Exact version of the binary at `path`, or null when it does not answer as this runtime. */
  versionOf(name: ToolchainName, path: string): Promise<string | null>
}

export function createInventory(cache: Cache, env: Environment): Inventory {
  const answers = new Map<string, Promise<string | null>>()

  async function versionOf(name: ToolchainName, path: string): Promise<string | null> {
    const info = await stat(path).catch(() => null)
    if (!info?.isFile()) return null
    const key = [name, path, info.mtimeMs, info.size, info.ino].join("\0")
    let answer = answers.get(key)
    if (!answer) {
      answer = askVersion(name, path, env)
      answers.set(key, answer)
    }
    return answer
  }

  async function fromManagers(name: ToolchainName): Promise<InstalledRuntime[]> {
    const found: InstalledRuntime[] = []
    for (const { source, folder, binaries } of managerFolders(name, env)) {
      for (const entry of await entries(folder)) {
        const version = exactVersion(entry)
        const path = version && (await firstExecutable(join(folder, entry), binaries))
        if (path) found.push({ name, version, path, source })
      }
    }
    return found
  }

  async function fromFolders(name: ToolchainName): Promise<InstalledRuntime[]> {
    const onPath = (env["PATH"] ?? "")
      .split(delimiter)
      .filter((folder) => isAbsolute(folder) && !isShimFolder(folder))
      .map((folder): { source: RuntimeSource; folder: string } => ({ source: "path", folder }))
    const paths = new Map<string, RuntimeSource>()
    for (const { source, folder } of [...onPath, ...ownFolders(name, env)]) {
      const path = await binaryIn(folder, name)
      if (path && !paths.has(path)) paths.set(path, source)
    }
    const found = await Promise.all(
      [...paths].map(async ([path, source]) => ({
        name,
        path,
        source,
        version: await versionOf(name, path),
      })),
    )
    return found.filter((entry): entry is InstalledRuntime => entry.version !== null)
  }

  return {
    versionOf,

    async list(name) {
      const all = [...(await cache.list(name)), ...(await fromManagers(name)), ...(await fromFolders(name))]
      const byPath = new Map(all.toReversed().map((entry) => [entry.path, entry]))
      return all
        .filter((entry) => byPath.get(entry.path) === entry)
        .sort((a, b) => semver.rcompare(a.version, b.version))
    },

    async find(name, version) {
      const cached = await cache.find(name, version)
      if (cached) return { name, version, path: cached, source: "cache" }
      const isIt = (entry: InstalledRuntime) => entry.version === version
      return (await fromManagers(name)).find(isIt) ?? (await fromFolders(name)).find(isIt) ?? null
    },
  }
}

export function isToolchainName(name: string): name is ToolchainName {
  return (TOOLCHAIN_NAMES as readonly string[]).includes(name)
}

/** Runs `--version`. Of the host's variables it gets only those that cannot change what a runtime does. */
async function askVersion(name: ToolchainName, path: string, env: Environment): Promise<string | null> {
  for (let attempt = 0; ; attempt++) {
    const result = await runProgram(path, ["--version"], {
      cwd: "/",
      env: { PATH: env["PATH"], HOME: env["HOME"], TMPDIR: env["TMPDIR"], NO_COLOR: "1" },
      signal: new AbortController().signal,
      timeoutMs: VERSION_TIMEOUT_MS,
    })
    // A child that is just being forked may hold the freshly written file open for a moment.
    if (result.errno === "ETXTBSY" && attempt < 5) {
      await delay(BUSY_RETRY_MS)
      continue
    }
    const match = result.code === 0 ? VERSION_ANSWER[name].exec(result.stdout.trim()) : null
    return match ? semver.valid(match[1]) : null
  }
}

const VERSION_TIMEOUT_MS = 5000
const BUSY_RETRY_MS = 50

const VERSION_ANSWER: Readonly<Record<ToolchainName, RegExp>> = {
  node: /^v(\d+\.\d+\.\d+\S*)$/,
  bun: /^(\d+\.\d+\.\d+\S*)$/,
  deno: /^deno (\d+\.\d+\.\d+[^\s,]*)/,
}

/**
 * The file behind links, so that a version stays what it was when somebody moves a link (`current`, `default`), and
 * one binary reached by two folders counts once. A link to a program of quite another name (`mise`, `volta-shim`)
 * is a shim, whose version depends on the working directory: null.
 */
async function binaryIn(folder: string, name: ToolchainName): Promise<string | null> {
  const path = join(folder, name)
  if (!(await isExecutableFile(path))) return null
  const target = await realpath(path)
  if (basename(target) === name) return target
  return basename(target).startsWith(name) ? path : null
}

async function firstExecutable(folder: string, binaries: readonly string[]): Promise<string | null> {
  for (const binary of binaries) {
    if (await isExecutableFile(join(folder, binary))) return join(folder, binary)
  }
  return null
}

/** `v22.23.3` and `22.23.3` are versions; `22`, `lts` and `latest` are links to one. */
function exactVersion(folderName: string): string | null {
  return /^v?\d+\.\d+\.\d+/.test(folderName) ? semver.valid(folderName) : null
}
