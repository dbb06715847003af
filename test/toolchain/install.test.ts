import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { isAlive } from "../../runtimes/toolchain/owner-mark.ts"
import { createFakeRegistry, type FakeRegistry } from "./fake-npm.ts"

let fake: FakeRegistry
beforeEach(async () => {
  fake = await createFakeRegistry()
  await fake.publish("2.3.0")
  await fake.publish("2.9.6")
})
afterEach(() => fake.remove())

/** Everything below the cache folder that could be taken for an install, or be left over from one. */
async function cached(): Promise<string[]> {
  const [versions, work] = await Promise.all(
    ["deno", ".work"].map((folder) => readdir(join(fake.cacheDir, folder)).catch(() => [])),
  )
  return [...versions!, ...work!]
}

async function lockContent() {
  return JSON.parse(await readFile(fake.lockFile, "utf8"))
}

describe("installing", () => {
  test("takes the newest that satisfies, pins it with its hash, and needs no npm the next time", async () => {
    const toolchain = fake.toolchain()
    const resolved = await toolchain.deno("2")
    expect(resolved).toEqual({ name: "deno", version: "2.9.6", path: join(fake.cacheDir, "deno/2.9.6/deno") })
    expect(toolchain.events.map((event) => event.kind)).toEqual([
      "finding",
      "downloading",
      "unpacking",
      "installed",
    ])
    const lock = await lockContent()
    expect(lock.requests).toEqual({ "deno@2": "2.9.6" })
    expect(Object.values(lock.packages)).toEqual([expect.stringMatching(/^sha512-/)])
    const calls = await fake.calls()
    expect(await fake.toolchain().deno("2")).toEqual(resolved)
    expect(await fake.toolchain({ lockFile: null }).deno("^2.3")).toEqual(resolved)
    expect(await fake.calls()).toEqual(calls)
    expect(await cached()).toEqual(["2.9.6"])
  })

  test("keeps a pin when a newer version is published, and installs the pinned one on a new machine", async () => {
    await writeFile(
      fake.lockFile,
      JSON.stringify({ lockVersion: 1, requests: { "deno@2": "2.3.0" }, packages: {} }),
    )
    expect((await fake.toolchain().deno("2")).version).toBe("2.3.0")
    expect((await lockContent()).requests).toEqual({ "deno@2": "2.3.0" })
  })

  test("pins another version when the pinned one is not published for this platform", async () => {
    await writeFile(
      fake.lockFile,
      JSON.stringify({ lockVersion: 1, requests: { "deno@2": "2.8.8" }, packages: {} }),
    )
    const toolchain = fake.toolchain()
    expect((await toolchain.deno("2")).version).toBe("2.9.6")
    expect(toolchain.events).toContainEqual(expect.objectContaining({ kind: "warning", version: "2.8.8" }))
    expect((await lockContent()).requests).toEqual({ "deno@2": "2.9.6" })
  })

  test("shares one install between requests of one moment", async () => {
    const toolchain = fake.toolchain()
    const all = await Promise.all([toolchain.deno("2"), toolchain.deno("^2.3"), toolchain.deno("2.9.6")])
    expect(new Set(all.map((resolved) => resolved.path)).size).toBe(1)
    expect((await fake.calls()).filter((call) => call.startsWith("pack"))).toHaveLength(1)
    expect(Object.keys((await lockContent()).requests)).toEqual(["deno@2", "deno@2.9.6", "deno@^2.3"])
  })

  test("by two processes at once gives both the same whole version", async () => {
    const worker = join(import.meta.dirname, "install-worker.ts")
    const answers = await Promise.all(
      ["2", "^2.9"].map((version) => {
        const args = [worker, fake.cacheDir, fake.lockFile, version]
        const child = spawn(process.execPath, args, { env: fake.env, stdio: ["ignore", "pipe", "inherit"] })
        return text(child.stdout)
      }),
    )
    expect(answers.map((answer) => JSON.parse(answer).path)).toEqual(
      Array(2).fill(join(fake.cacheDir, "deno/2.9.6/deno")),
    )
    expect(await cached()).toEqual(["2.9.6"])
    expect((await lockContent()).requests).toEqual({ "deno@2": "2.9.6", "deno@^2.9": "2.9.6" })
  }, 30_000)

  test("refuses a binary that does not say what it should be", async () => {
    await fake.publish("2.10.0", "deno 2.0.0 (stable)")
    await expect(fake.toolchain().deno("2.10")).rejects.toMatchObject({
      code: "TOOLCHAIN_INSTALL_FAILED",
      message: expect.stringContaining("says that it is 2.0.0"),
    })
    expect(await cached()).toEqual([])
  })
})

describe("an install that goes wrong leaves nothing", () => {
  test.each([
    [
      "cut",
      "TOOLCHAIN_INSTALL_FAILED",
      /^App "shop": deno 2.9.6 could not be downloaded \(npm: network aborted\)/,
    ],
    ["damaged", "TOOLCHAIN_INTEGRITY", /^App "shop": The download of .* is damaged: its hash is sha512-/],
    [
      "disk-full",
      "TOOLCHAIN_DISK_FULL",
      /^App "shop": No space left in .*cache.* for deno 2.9.6: about \d+ MB needed/,
    ],
  ] as const)("%s", async (behaviour, code, message) => {
    await fake.behave(behaviour)
    const toolchain = fake.toolchain()
    await expect(toolchain.deno("2")).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(toolchain.events.at(-1)).toMatchObject({ kind: "failed", runtime: "deno", version: "2.9.6" })
    expect(await cached()).toEqual([])
    await fake.behave("normal")
    expect((await toolchain.deno("2")).version).toBe("2.9.6")
  })

  test("a package that is not the one in the lock file, cached before or not", async () => {
    await fake.toolchain().deno("2.9.6")
    const { packages } = await lockContent()
    const wrong = Object.fromEntries(Object.keys(packages).map((spec) => [spec, "sha512-AAAA"]))
    await writeFile(fake.lockFile, JSON.stringify({ lockVersion: 1, requests: {}, packages: wrong }))
    const mismatch = { code: "TOOLCHAIN_INTEGRITY", message: expect.stringContaining("sha512-AAAA") }
    await expect(fake.toolchain().deno("2.9.6")).rejects.toMatchObject(mismatch)
    await rm(fake.cacheDir, { recursive: true })
    await expect(fake.toolchain().deno("2.9.6")).rejects.toMatchObject(mismatch)
    expect(await cached()).toEqual([])
  })

  test("an abort ends npm and what it started", async () => {
    await fake.behave("hang")
    const controller = new AbortController()
    const resolving = fake.toolchain().deno("2", controller.signal)
    resolving.catch(() => undefined)
    const pids = await hanging()
    controller.abort(new Error("stopped"))
    await expect(resolving).rejects.toThrow("stopped")
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), 5000)
    expect(await cached()).toEqual([])
  })

  test("one of two askers leaves: the other still gets it", async () => {
    const controller = new AbortController()
    const toolchain = fake.toolchain()
    const first = toolchain.deno("2", controller.signal)
    const second = toolchain.deno("2")
    first.catch(() => undefined)
    await vi.waitFor(
      () => expect(toolchain.events.some((event) => event.kind === "downloading")).toBe(true),
      10_000,
    )
    controller.abort(new Error("left"))
    await expect(first).rejects.toThrow("left")
    expect((await second).version).toBe("2.9.6")
  })

  test("a killed host's leftovers are cleaned by the next install", async () => {
    await fake.behave("hang")
    const worker = join(import.meta.dirname, "install-worker.ts")
    const child = spawn(process.execPath, [worker, fake.cacheDir, fake.lockFile, "2"], {
      env: fake.env,
      stdio: "ignore",
    })
    const pids = await hanging()
    child.kill("SIGKILL")
    await once(child, "exit")
    for (const pid of pids) process.kill(pid, "SIGKILL")
    expect(await cached()).toHaveLength(1)
    expect(await fake.toolchain().installed()).toEqual([])
    await fake.behave("normal")
    await fake.toolchain().deno("2")
    expect(await cached()).toEqual(["2.9.6"])
  }, 30_000)

  async function hanging(): Promise<number[]> {
    const file = join(fake.root, "store/hanging")
    return JSON.parse(await vi.waitFor(() => readFile(file, "utf8"), 20_000))
  }
})

describe("a version that cannot be had", () => {
  test("is refused with what is installed and what is published", async () => {
    await fake.publish("3.1.0")
    await fake.program("bin/deno", "deno 2.3.1 (stable)")
    await expect(fake.toolchain().deno("^2.30")).rejects.toMatchObject({
      code: "TOOLCHAIN_NOT_FOUND",
      message:
        'App "shop": no deno satisfying "^2.30" (installed: 2.3.1; newest published: 3.1.0 / 2.9.6). Relax "runtime" or run "polyhost runtimes install deno@2".',
    })
  })

  test("says that the registry could not be asked, and why", async () => {
    await fake.behave("offline")
    await expect(fake.toolchain().deno("2")).rejects.toMatchObject({
      code: "TOOLCHAIN_NOT_FOUND",
      message:
        'App "shop": no deno satisfying "2" (installed: none; the registry could not be asked: request to registry failed, reason: getaddrinfo ENOTFOUND). Relax "runtime" or run "polyhost runtimes install deno@2".',
    })
  })

  test("is not a word that nobody knows, nor a runtime without versions", async () => {
    await expect(fake.toolchain().deno("newish")).rejects.toThrow(
      'App "shop": "newish" is not a version of deno',
    )
    await expect(fake.toolchain().install(["ruby@3"], new AbortController().signal)).rejects.toThrow(
      /"ruby" is not/,
    )
  })

  test("is not older than what can be run: refused before anything is looked for, and never picked", async () => {
    const refused = {
      code: "RUNTIME_UNSUPPORTED",
      message: expect.stringMatching(/^App "shop": deno@2\.2 is older/),
    }
    const toolchain = fake.toolchain()
    await expect(toolchain.deno("2.2")).rejects.toMatchObject(refused)
    expect(toolchain.events).toEqual([])
    await expect(toolchain.install(["node@12"], new AbortController().signal)).rejects.toThrow(
      "node@12 is older than Polyhost runs (node 14.17 and later)",
    )
    await fake.program("bin/deno", "deno 2.1.0 (stable)")
    expect((await toolchain.deno("2")).version).toBe("2.9.6")
  })

  test("latest falls back to an installed version without a registry, and does not pin it", async () => {
    await fake.program("bin/deno", "deno 2.3.1 (stable)")
    await fake.behave("offline")
    const toolchain = fake.toolchain()
    expect((await toolchain.deno("latest")).version).toBe("2.3.1")
    expect(toolchain.events.at(-1)).toMatchObject({
      kind: "warning",
      message: expect.stringContaining("using the installed 2.3.1"),
    })
    await expect(lockContent()).rejects.toThrow()
  })
})

describe("the lock file", () => {
  test("that cannot be written is a warning", async () => {
    await writeFile(join(fake.root, "file"), "")
    await fake.program("bin/deno", "deno 2.3.1 (stable)")
    const toolchain = fake.toolchain({ lockFile: join(fake.root, "file/polyhost.lock.json") })
    expect((await toolchain.deno("2")).version).toBe("2.3.1")
    expect(toolchain.events.at(-1)).toMatchObject({
      kind: "warning",
      message: expect.stringContaining("cannot be"),
    })
  })

  test("that is not understood stays as it is", async () => {
    await writeFile(fake.lockFile, "<<<<<<< ours")
    const toolchain = fake.toolchain()
    expect((await toolchain.deno("2")).version).toBe("2.9.6")
    expect(await readFile(fake.lockFile, "utf8")).toBe("<<<<<<< ours")
    await expect(toolchain.prune()).rejects.toThrow("Nothing was removed")
  })
})

describe("prune", () => {
  test("removes what is neither pinned, nor used by a live host, nor kept", async () => {
    await fake.publish("2.4.0")
    await fake.publish("2.5.0")
    const host = fake.toolchain({ lockFile: null })
    await host.deno("2.4.0")
    const toolchain = fake.toolchain()
    await toolchain.deno("2.3.0")
    await toolchain.install(["deno@2.5.0", "deno@2.9"], new AbortController().signal)
    await toolchain.close()
    const { removed, freedBytes } = await toolchain.prune([{ name: "deno", version: "2.5.0" }])
    expect(removed.map((entry) => entry.version)).toEqual(["2.9.6"])
    expect(freedBytes).toBeGreaterThan(0)
    expect(await cached()).toEqual(["2.3.0", "2.4.0", "2.5.0"])
    await host.close()
    await fake.toolchain({ lockFile: null }).prune()
    expect(await cached()).toEqual([])
  })

  test("keeps what was used lately, when asked to, and says why each stayed", async () => {
    await fake.publish("2.4.0")
    const toolchain = fake.toolchain()
    await toolchain.deno("2.3.0")
    await toolchain.install(["deno@2.4.0", "deno@2.9"], new AbortController().signal)
    await toolchain.close()
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(join(fake.cacheDir, "deno/2.9.6"), longAgo, longAgo)
    const { removed, kept } = await toolchain.prune([], 30_000)
    expect(removed.map((entry) => entry.version)).toEqual(["2.9.6"])
    expect(kept.map(({ version, why }) => `${version} ${why}`).sort()).toEqual([
      "2.3.0 pinned",
      "2.4.0 used lately",
    ])
  })

  test("ignores marks and removes work folders of dead processes", async () => {
    const toolchain = fake.toolchain({ lockFile: null })
    await toolchain.deno("2.3.0")
    const leases = join(fake.cacheDir, ".leases")
    const [mine] = await readdir(leases)
    await toolchain.close()
    const dead = mine!.replace(`~${process.pid}~`, "~999999999~")
    await writeFile(join(leases, dead), "")
    await mkdir(join(fake.cacheDir, ".work", dead))
    expect((await toolchain.prune()).removed.map((entry) => entry.version)).toEqual(["2.3.0"])
    expect(await readdir(leases)).toEqual([])
    expect(await cached()).toEqual([])
  })
})
