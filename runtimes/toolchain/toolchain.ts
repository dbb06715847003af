/**
 * The toolchain: turns `node@^22` into the path of a verified binary. This file is its front; the order in which
 * places are asked is `search.ts`. Runs no app: that is the runtimes' part.
 */
import { dirname, isAbsolute, join, resolve as resolvePath } from "node:path"
import type { ResolvedRuntime } from "../runtime.ts"
import { createCache, isExecutableFile, sizeOf } from "./cache.ts"
import { createInstaller } from "./installer.ts"
import { createInventory, isToolchainName } from "./inventory.ts"
import { createLockFile, lockKey } from "./lock-file.ts"
import { badPath, badVersion, tooOld, unknownRuntime } from "./messages.ts"
import { createRegistry } from "./registry.ts"
import { createSearch, type Question } from "./search.ts"
import {
  type ResolveOptions,
  TOOLCHAIN_NAMES,
  type Toolchain,
  type ToolchainName,
  type ToolchainOptions,
} from "./types.ts"
import { parseVersionRequest } from "./version-request.ts"

export function createToolchain({ cacheDir, lockFile, env, report }: ToolchainOptions): Toolchain {
  const cache = createCache(cacheDir)
  const inventory = createInventory(cache, env)
  const registry = createRegistry(env)
  const installer = createInstaller({ cache, inventory, registry, report })
  const lock = createLockFile(lockFile, (message, request) => {
    const [name = "", version = ""] = request.split("@")
    report({ kind: "warning", runtime: isToolchainName(name) ? name : "node", version, message })
  })
  const search = createSearch({ cache, inventory, lock, registry, installer, report })

  function ask(
    spec: { name: string; version: string },
    about: { subject: string | null; dir: string; signal: AbortSignal; pin: boolean },
  ): Question {
    const { subject, dir, signal, pin } = about
    if (!isToolchainName(spec.name)) throw unknownRuntime(subject, spec.name)
    const request = parseVersionRequest(spec.name, spec.version, Date.now())
    if (!request) throw badVersion(subject, spec.name, spec.version)
    if (request.refusal !== null) throw tooOld(subject, request.refusal)
    const cwd = lockFile === null ? dir : dirname(lockFile)
    return { name: spec.name, request, subject, key: lockKey(spec.name, spec.version), pin, cwd, signal }
  }

  /** A path that was given: taken as it is, when it answers as that runtime. */
  async function usePath(
    name: ToolchainName,
    path: string,
    options: ResolveOptions,
  ): Promise<ResolvedRuntime> {
    const absolute = isAbsolute(path) ? path : resolvePath(options.dir, path)
    const version = await inventory.versionOf(name, absolute)
    if (version === null) throw badPath(options.app, name, absolute, await isExecutableFile(absolute))
    return { name, version, path: absolute }
  }

  return {
    async resolve(request, options) {
      const { app, dir, signal } = options
      signal.throwIfAborted()
      if (request.path !== null && isToolchainName(request.name))
        return usePath(request.name, request.path, options)
      return search.find(ask(request, { subject: `App "${app}"`, dir, signal, pin: true }))
    },

    async installed() {
      const lists = await Promise.all(TOOLCHAIN_NAMES.map((name) => inventory.list(name)))
      return Promise.all(
        lists.flat().map(async (entry) => {
          if (entry.source !== "cache") return entry
          return { ...entry, bytes: await sizeOf(join(cacheDir, entry.name, entry.version)) }
        }),
      )
    },

    async install(specs, signal) {
      const questions = specs.map((spec) => {
        const at = spec.indexOf("@")
        const [name, version] = at < 0 ? [spec, ""] : [spec.slice(0, at), spec.slice(at + 1)]
        return ask({ name, version }, { subject: null, dir: process.cwd(), signal, pin: false })
      })
      return Promise.all(questions.map((question) => search.findNewest(question)))
    },

    async prune(keep = [], usedWithinMs = 0) {
      return cache.prune([...keep, ...(await lock.pins())], usedWithinMs)
    },

    close: () => cache.dropLeases(),
  }
}
