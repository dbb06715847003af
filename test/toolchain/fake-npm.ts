/**
 * A registry in a folder and an `npm` program in front of it, so that tests can cut downloads, fill disks and count
 * calls. Its runtime is a `deno` that is a shell script: installs take milliseconds.
 */
import { createHash } from "node:crypto"
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { create } from "tar"
import { createToolchain, type Toolchain, type ToolchainEvent } from "../../runtimes/toolchain/index.ts"

export type Behaviour = "normal" | "offline" | "disk-full" | "cut" | "damaged" | "hang"

export interface FakeRegistry {
  readonly root: string
  readonly cacheDir: string
  readonly lockFile: string
  readonly env: Record<string, string>
  publish(version: string, answer?: string): Promise<void>
  behave(how: Behaviour): Promise<void>
  /** What npm was called with, oldest first. */
  calls(): Promise<string[]>
  toolchain(options?: { lockFile?: string | null; env?: Record<string, string> }): TestToolchain
  /** A `deno` that answers `version`, at `path` below root. */
  program(path: string, answer: string): Promise<string>
  remove(): Promise<void>
}

export interface TestToolchain extends Toolchain {
  readonly events: ToolchainEvent[]
  deno(version: string, signal?: AbortSignal): ReturnType<Toolchain["resolve"]>
}

export async function createFakeRegistry(): Promise<FakeRegistry> {
  const root = await mkdtemp(join(tmpdir(), "polyhost-toolchain-"))
  const store = join(root, "store")
  const bin = join(root, "bin")
  const cacheDir = join(root, "cache")
  const lockFile = join(root, "polyhost.lock.json")
  await mkdir(store)
  await mkdir(bin)
  await mkdir(join(root, "home"))
  await writeFile(join(bin, "npm"), `#!${process.execPath}\n${NPM_SCRIPT}`)
  await chmod(join(bin, "npm"), 0o755)
  const env = { PATH: bin, HOME: join(root, "home"), FAKE_NPM_STORE: store }
  const hashes: Record<string, string> = {}
  const opened: Toolchain[] = []

  const registry: FakeRegistry = {
    root,
    cacheDir,
    lockFile,
    env,

    async publish(version, answer = `deno ${version} (stable, release)`) {
      const source = join(store, `source-${version}`)
      await registry.program(join("store", `source-${version}`, "package", "deno"), answer)
      await writeFile(join(source, "package", "package.json"), "{}")
      const tarball = join(store, `${version}.tgz`)
      await create({ gzip: true, file: tarball, cwd: source, portable: true }, ["package"])
      hashes[version] = `sha512-${createHash("sha512")
        .update(await readFile(tarball))
        .digest("base64")}`
      await writeFile(join(store, "hashes.json"), JSON.stringify(hashes))
    },

    behave: (how) => writeFile(join(store, "behaviour"), how),

    async calls() {
      const log = await readFile(join(store, "calls"), "utf8").catch(() => "")
      return log.split("\n").filter(Boolean)
    },

    toolchain(options = {}) {
      const events: ToolchainEvent[] = []
      const toolchain = createToolchain({
        cacheDir,
        lockFile: options.lockFile === undefined ? lockFile : options.lockFile,
        env: { ...env, ...options.env },
        report: (event) => events.push(event),
      })
      opened.push(toolchain)
      return {
        ...toolchain,
        events,
        deno: (version, signal = new AbortController().signal) =>
          toolchain.resolve(
            { name: "deno", version, path: null, args: [] },
            { app: "shop", dir: root, signal },
          ),
      }
    },

    async program(path, answer) {
      const file = join(root, path)
      await mkdir(join(file, ".."), { recursive: true })
      await writeFile(file, `#!/bin/sh\necho run >> "${root}/runs"\necho "${answer}"\n`)
      await chmod(file, 0o755)
      return file
    },

    async remove() {
      await Promise.all(opened.map((toolchain) => toolchain.close()))
      await rm(root, { recursive: true, force: true })
    },
  }
  return registry
}

const NPM_SCRIPT = `
const fs = require("node:fs"), path = require("node:path")
const store = process.env.FAKE_NPM_STORE
const [command, spec, field] = process.argv.slice(2)
const version = spec.slice(spec.lastIndexOf("@") + 1)
const behaviour = fs.existsSync(store + "/behaviour") ? fs.readFileSync(store + "/behaviour", "utf8") : "normal"
const hashes = JSON.parse(fs.readFileSync(store + "/hashes.json", "utf8"))
const fail = (code, summary) => {
  console.log(JSON.stringify({ error: { code, summary, detail: "" } }))
  console.error("npm error code " + code + "\\nnpm error " + summary + "\\nnpm error A complete log of this run can be found in: x")
  process.exit(1)
}
fs.appendFileSync(store + "/calls", [command, field === "versions" ? "versions" : version, process.pid].join(" ") + "\\n")
if (behaviour === "offline") fail("ENOTFOUND", "request to registry failed, reason: getaddrinfo ENOTFOUND")
if (command === "view" && field === "versions") {
  console.log(JSON.stringify(Object.keys(hashes)))
} else if (!hashes[version]) {
  fail("E404", "No match found for version " + version)
} else if (command === "view") {
  console.log(JSON.stringify({ integrity: hashes[version], tarball: "x" }))
} else {
  const target = path.join(process.argv[process.argv.indexOf("--pack-destination") + 1], "runtime-" + version + ".tgz")
  const tarball = fs.readFileSync(store + "/" + version + ".tgz")
  if (behaviour === "disk-full") fail("ENOSPC", "ENOSPC: no space left on device, write")
  if (behaviour === "cut") { fs.writeFileSync(target, tarball.subarray(0, 100)); fail("ECONNRESET", "network aborted") }
  if (behaviour === "damaged") tarball[tarball.length - 5] ^= 0xff
  if (behaviour === "hang") {
    fs.writeFileSync(target, tarball.subarray(0, 100))
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
    fs.writeFileSync(store + "/hanging.new", JSON.stringify([process.pid, child.pid]))
    fs.renameSync(store + "/hanging.new", store + "/hanging")
    process.on("SIGTERM", () => {})
    setInterval(() => {}, 1000)
  } else {
    fs.writeFileSync(target, tarball)
    console.log(JSON.stringify([{ filename: path.basename(target) }]))
  }
}
`
