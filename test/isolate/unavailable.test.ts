/** Machines where isolated-vm is not installed, has no build, or cannot be loaded; V8s that make no snapshot, or no code cache. */
import { execFile } from "node:child_process"
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, onTestFinished, test } from "vitest"

const ROOT = join(import.meta.dirname, "../..")
const PROGRAM = "dist/cell/isolate.mjs"
const NATIVE = "node_modules/isolated-vm/prebuilds"

test.each([
  ["is not installed", (copy: string) => rmSync(join(copy, "node_modules/isolated-vm"), { recursive: true })],
  ["has no build for", (copy: string) => rmSync(join(copy, NATIVE, platform()), { recursive: true })],
  ["cannot be loaded by", (copy: string) => everyBuild(copy, (path) => writeFileSync(path, "no library"))],
])("where isolated-vm %s, isolates say so, and everything else serves", async (says, damage) => {
  const copy = copyOfPackage()
  damage(copy)
  const seen = await run(copy)
  expect(seen.lastError?.code).toBe("RUNTIME_UNSUPPORTED")
  expect(seen.lastError?.message).toMatch(/^App "isolate": runtime "isolate" is not available: /)
  expect(seen.lastError?.message).toContain(`isolated-vm ${says}`)
  expect(seen.lastError?.message).toMatch(/Runtimes "thread" and "node" run the same fetch app$/)
  expect(JSON.parse(seen.isolate).code).toBe("APP_UNAVAILABLE")
  expect(seen.process).toBe("served")
})

// What is done to the cell's program: names that lead nowhere, as in an engine that lacks them, and a snapshot of nothing.
const NO_SNAPSHOT = ["createSnapshot(", "missing_createSnapshot("] as const
const EMPTY_SNAPSHOT = ["createSnapshot([{ code,", 'createSnapshot([{ code: "",'] as const
const NO_CACHE = ["produceCachedData:", "missing_produceCachedData:"] as const

test.each([
  ["V8 makes no snapshot", "code cache", [NO_SNAPSHOT]],
  ["what comes from the snapshot fails its test", "code cache", [EMPTY_SNAPSHOT]],
  ["V8 makes neither a snapshot nor a code cache", "script", [NO_SNAPSHOT, NO_CACHE]],
])("where %s, isolates start from the %s", async (_, kind, changes) => {
  const copy = copyOfPackage()
  const path = join(copy, PROGRAM)
  let program = readFileSync(path, "utf8")
  for (const [was, is] of changes) {
    expect(program).toContain(was)
    program = program.replaceAll(was, is)
  }
  writeFileSync(path, program)
  const seen = await run(copy)
  expect(seen).toMatchObject({ lastError: null, isolate: "served", process: "served" })
  expect(seen.log).toContain(`isolates start from ${kind}: `)
})

interface Seen {
  readonly lastError: { readonly code: string; readonly message: string } | null
  readonly isolate: string
  readonly process: string
  readonly log: string
}

async function run(copy: string): Promise<Seen> {
  const app = join(copy, "app")
  mkdirSync(app)
  writeFileSync(join(app, "app.mjs"), 'export default { fetch: () => new Response("served") }')
  const script = join(copy, "test/fixtures/host-without-isolates.ts")
  const ran = await promisify(execFile)(process.execPath, [script, app], {
    cwd: copy,
    env: { ...process.env, TMPDIR: copy },
    timeout: 25_000,
    killSignal: "SIGKILL",
  })
  return { ...JSON.parse(ran.stdout), log: ran.stderr }
}

/** A copy to be damaged; what it depends on is linked to, but for isolated-vm, which is copied too. */
function copyOfPackage(): string {
  const copy = mkdtempSync(join(tmpdir(), "phu-"))
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }))
  for (const name of [
    "package.json",
    "host",
    "runtimes",
    "protocol",
    "test/fixtures/host-without-isolates.ts",
  ])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  for (const name of ["cell", "guest", "isolate"])
    cpSync(join(ROOT, "dist", name), join(copy, "dist", name), { recursive: true })
  mkdirSync(join(copy, "node_modules"))
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "isolated-vm")
      symlinkSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name))
  const isolatedVm = join(ROOT, "node_modules/isolated-vm")
  for (const name of ["package.json", "isolated-vm.js", `prebuilds/${platform()}`])
    cpSync(join(isolatedVm, name), join(copy, "node_modules/isolated-vm", name), { recursive: true })
  return copy
}

function everyBuild(copy: string, change: (path: string) => void): void {
  const dir = join(copy, NATIVE, platform())
  for (const name of readdirSync(dir)) change(join(dir, name))
}

function platform(): string {
  return `${process.platform}-${process.arch}`
}
