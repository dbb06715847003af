import { execFileSync } from "node:child_process"
import { cp, mkdir, readdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest"
import "../support/table.ts"
import { commandApp, createRig, isAlive, POLYHOST, type Rig, SERVER } from "./rig.ts"

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(() => rig.cleanUp())

const app = { "polyhost.app.json": commandApp(), "server.mjs": SERVER }

const old = inject("runtimes").find((it) => it.name === "node" && it.asked === "18")?.path as string

describe("the launcher under an old Node", () => {
  test("runs the host on the Node of the package, with the exit codes of the commands", async () => {
    expect(await rig.run(["--version"], { node: old })).toMatchObject({ code: 0 })
    expect(await rig.run(["srve"], { node: old })).toMatchObject({ code: 2 })
    expect(await rig.run(["status"], { node: old })).toMatchObject({ code: 1 })
  })

  test("passes signals on: the host drains and ends with 0", async () => {
    const cwd = await rig.tree(app)
    const host = await rig.serve([], { cwd, node: old })
    expect(host.pid).not.toBe(host.child.pid)
    await host.output(/1 app: 1 running/)
    const response = await fetch(`${host.url}/hold`)
    host.child.kill("SIGINT")
    expect(await response.text()).toBe("held")
    expect((await host.exited).code).toBe(0)
    expect(isAlive(host.pid)).toBe(false)
  })

  test("ends by the signal that ended the host", async () => {
    const cwd = await rig.tree(app)
    const host = await rig.serve([], { cwd, node: old })
    process.kill(host.pid, "SIGKILL")
    expect((await host.exited).signal).toBe("SIGKILL")
  })

  test("killed with -9, leaves no host: it drains and cleans up", async () => {
    const cwd = await rig.tree(app)
    const host = await rig.serve([], { cwd, node: old })
    await host.output(/1 app: 1 running/)
    const response = await fetch(`${host.url}/hold`)
    host.child.kill("SIGKILL")
    expect(await response.text()).toBe("held")
    await vi.waitFor(() => expect(isAlive(host.pid)).toBe(false), { timeout: 5000, interval: 20 })
    expect(await readdir(join(cwd, ".polyhost"))).toEqual([".gitignore"])
  })

  test("says what is missing when the package brings no Node", async () => {
    const dir = await rig.dir()
    await mkdir(join(dir, "host", "cli"), { recursive: true })
    const script = join(dir, "host", "cli", "polyhost.mjs")
    await cp(POLYHOST, script)
    const error = await new Promise<string>((resolve) => {
      try {
        execFileSync(old, [script, "--version"], { stdio: "pipe", encoding: "utf8" })
        resolve("")
      } catch (thrown) {
        resolve(String((thrown as { stderr: string }).stderr))
      }
    })
    expect(error).toMatch(/^Polyhost needs Node 24 or newer for itself; this is Node \d+\./)
    expect(error).toContain("optional dependencies")
  })

  test("works through a symbolic link, as in node_modules/.bin", async () => {
    const dir = await rig.dir()
    await symlink(POLYHOST, join(dir, "polyhost"))
    const out = execFileSync(old, [join(dir, "polyhost"), "--version"], { encoding: "utf8" })
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
