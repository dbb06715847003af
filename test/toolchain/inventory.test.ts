import { mkdir, readFile, symlink, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { createFakeRegistry, type FakeRegistry } from "./fake-npm.ts"

let fake: FakeRegistry
beforeEach(async () => {
  fake = await createFakeRegistry()
})
afterEach(() => fake.remove())

async function runs(): Promise<number> {
  const log = await readFile(join(fake.root, "runs"), "utf8").catch(() => "")
  return log.split("\n").filter(Boolean).length
}

describe("installed versions", () => {
  test("are found in version managers' folders without running anything", async () => {
    await fake.program("home/.nvm/versions/node/v22.23.3/bin/node", "never asked")
    await fake.program("home/.local/share/fnm/node-versions/v20.1.0/installation/bin/node", "never asked")
    await fake.program("home/.volta/tools/image/node/18.20.8/bin/node", "never asked")
    await fake.program("home/.asdf/installs/nodejs/16.20.2/bin/node", "never asked")
    await fake.program("home/.proto/tools/deno/2.3.0/deno", "never asked")
    await fake.program("home/.local/share/mise/installs/bun/1.2.0/bin/bun", "never asked")
    await symlink("1.2.0", join(fake.root, "home/.local/share/mise/installs/bun/latest"))
    const found = await fake.toolchain().installed()
    const mine = found.filter((entry) => entry.path.startsWith(fake.root))
    expect(mine.map((entry) => `${entry.source} ${entry.name} ${entry.version}`)).toEqual([
      "nvm node 22.23.3",
      "fnm node 20.1.0",
      "volta node 18.20.8",
      "asdf node 16.20.2",
      "mise bun 1.2.0",
      "proto deno 2.3.0",
    ])
    expect(await runs()).toBe(0)
  })

  test("on PATH are asked once for each file, and again after it changed", async () => {
    const path = await fake.program("bin/deno", "deno 2.3.0 (stable)")
    const toolchain = fake.toolchain()
    await toolchain.installed()
    await toolchain.installed()
    expect(await runs()).toBe(1)
    await fake.program("bin/deno", "deno 2.4.0 (stable)")
    await utimes(path, 1, 1)
    expect(await toolchain.installed()).toMatchObject([{ name: "deno", version: "2.4.0", source: "path" }])
    expect(await runs()).toBe(2)
  })

  test("leave out wrappers that give no version, shims, and links to a program of another name", async () => {
    await fake.program("a/deno", "Please install deno first")
    await fake.program("shims/deno", "deno 2.1.0")
    await fake.program("b/mise", "deno 2.2.0")
    await symlink("mise", join(fake.root, "b/deno"))
    await fake.program("c/real/deno", "deno 2.3.0 (stable)")
    await mkdir(join(fake.root, "c/bin"))
    await symlink("../real/deno", join(fake.root, "c/bin/deno"))
    const PATH = ["a", "shims", "b", "c/bin", "c/real"].map((folder) => join(fake.root, folder)).join(":")
    expect(await fake.toolchain({ env: { PATH } }).installed()).toEqual([
      { name: "deno", version: "2.3.0", path: join(fake.root, "c/real/deno"), source: "path" },
    ])
  })

  test("the highest that satisfies is used, wherever it is", async () => {
    await fake.program("bin/deno", "deno 2.3.0 (stable)")
    const best = await fake.program("home/.dvm/versions/2.5.1/deno", "never asked")
    await fake.program("home/.dvm/versions/3.0.0/deno", "never asked")
    expect(await fake.toolchain().deno("2")).toEqual({ name: "deno", version: "2.5.1", path: best })
    expect(await fake.calls()).toEqual([])
  })
})

describe("a path given by the manifest", () => {
  const options = () => ({ app: "shop", dir: fake.root, signal: new AbortController().signal })

  test("is used with the exact version that it answers", async () => {
    const path = await fake.program("own/deno", "deno 2.7.0 (stable)")
    const request = { name: "deno", version: "^9", path: "own/deno", args: [] } as const
    expect(await fake.toolchain().resolve(request, options())).toEqual({
      name: "deno",
      version: "2.7.0",
      path,
    })
  })

  test("is refused when it is no such program, or another one", async () => {
    await fake.program("own/bun", "1.2.3")
    await writeFile(join(fake.root, "text"), "hello")
    const ask = (path: string) =>
      fake.toolchain().resolve({ name: "deno", version: "", path, args: [] }, options())
    await expect(ask("missing")).rejects.toThrow(/App "shop": .*missing is not a program/)
    await expect(ask("text")).rejects.toThrow(/is not a program/)
    await expect(ask("own/bun")).rejects.toThrow(/does not answer "--version" as deno does/)
  })
})
