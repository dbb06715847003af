/** Cells as a whole: who shares one, who no longer may, strangers at their door, and that none is left behind. */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { expect, onTestFinished, test } from "vitest"
import { appText } from "../../host/cli/status-text.ts"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, startHost, type TestApp } from "../support/harness.ts"
import { ask } from "../support/http-client.ts"
import { alive, processesWith } from "../support/processes.ts"

const shared: TestApp = {
  entry: "app.mjs",
  runtime: "thread",
  cell: "shared",
  limits: { memory: "64MB" },
  timeouts: { wedge: "10s" },
}
const bad: TestApp = { ...shared, dir: join(FIXTURES, "cell-faults") }
const good: TestApp = { ...shared, dir: join(FIXTURES, "cell-neighbour") }

test("an app that brought two cells down gets one of its own; the reason stands in log and status", async () => {
  const timeouts = { wedge: "1s" }
  const host = await startHost({ bad: { ...bad, timeouts }, good: { ...good, timeouts } })
  for (let strike = 0; strike < 2; strike++) {
    await eventually(10_000, "both in one cell", () => {
      const pids = [host.pidOf("bad"), host.pidOf("good")]
      return pids[0] !== 0 && pids[0] === pids[1] && host.app("bad").instances[0]?.state === "ready"
    })
    // Nothing ends this but the end of the process.
    expect((await host.ask("/bad/fifo", { method: "POST" })).status).toBe(504)
  }
  await eventually(10_000, "the app's answer", async () => (await host.ask("/bad/hello")).status === 200)
  expect((await host.ask("/good/")).status).toBe(200)
  expect(host.pidOf("bad")).not.toBe(host.pidOf("good"))
  expect(host.log).toMatch(/"code":"APP_WEDGED".*"reason":"wall"/)
  expect(appText(host.app("bad"))).toContain("APP_WEDGED (wall):")
})

test("a cell that nobody lives in ends soon; one that is needed again before does not", async () => {
  const app = { ...good, instances: { min: 0, max: 1 }, timeouts: { idle: "100ms" } }
  const host = await startHost({ app })
  const pidOf = async (): Promise<string> => (await host.ask("/app/")).text.split(" ")[1] as string
  const first = await pidOf()
  await host.state("app", ({ instances }) => instances.length === 0)
  expect(await pidOf()).toBe(first)
  await host.state("app", ({ instances }) => instances.length === 0)
  await eventually(10_000, "the cell's end", () => !alive(Number(first)))
  expect((await host.ask("/app/")).status).toBe(200)
})

test.runIf(process.platform === "linux")(
  "a cell that stands still is killed, and its apps are back",
  async () => {
    const timeouts = { wedge: "1s" }
    const host = await startHost({ bad: { ...bad, timeouts }, good: { ...good, timeouts } })
    const pid = host.pidOf("good")
    process.kill(pid, "SIGSTOP")
    const stuck = await host.ask("/good/", { method: "POST" })
    expect([502, 504]).toContain(stuck.status)
    await eventually(5000, "the end of the cell", () => !alive(pid))
    const answers = await Promise.all([host.ask("/good/"), host.ask("/bad/hello")])
    expect(answers.map((answer) => answer.status)).toEqual([200, 200])
  },
)

test("instances that are many share a pool of threads, and each answers for itself", async () => {
  const host = await startHost({
    many: { ...good, cell: undefined, instances: 6, concurrency: 1 } as TestApp,
  })
  await eventually(10_000, "all of them", () => host.app("many").state === "running")
  const answers = await Promise.all(Array.from({ length: 6 }, () => host.ask("/many/?ms=300")))
  expect(new Set(answers.map((answer) => answer.text)).size).toBe(6)
  expect(new Set(answers.map((answer) => answer.text.split(" ")[1])).size).toBe(1)
})

test("strangers at the host's door for cells are sent away", async () => {
  const host = await startHost({ good })
  const run = readdirSync(host.dir).find((name) => name.startsWith("polyhost-")) as string
  const socket = connect(join(host.dir, run, "cells.sock"))
  const closed = new Promise((resolve) => socket.once("close", resolve))
  socket.on("error", () => undefined)
  socket.resume()
  socket.write('{"type":"hello","token":"guessed"}\n')
  await within(2000, "the end of the connection", closed)
  expect((await host.ask("/good/")).status).toBe(200)
})

test.runIf(process.platform === "linux")(
  "a host that is killed leaves no cell, not even one that spins",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "pht-"))
    const script = join(import.meta.dirname, "../fixtures/host-process.ts")
    const child = spawn(process.execPath, [script, join(FIXTURES, "supervised"), "thread"], {
      cwd: dir,
      env: { ...process.env, TMPDIR: dir },
      stdio: ["ignore", "pipe", "ignore"],
    })
    onTestFinished(() => {
      child.kill("SIGKILL")
      if (existsSync(dir)) rmSync(dir, { recursive: true, force: true })
    })
    const line = within(20_000, "the host's line", onceLine(createInterface({ input: child.stdout })))
    const { url, pids } = JSON.parse(await line) as { url: string; pids: number[] }
    const spinning = ask(url, { path: "/spins/spin" }).catch(() => undefined)
    expect((await ask(url, { path: "/good/" })).status).toBeLessThan(500)
    expect(pids.every(alive)).toBe(true)
    child.kill("SIGKILL")
    await eventually(3000, "the end of its cells", () => processesWith(dir).length === 0 && !pids.some(alive))
    await eventually(2000, "the end of its folder", () => readdirSync(dir).length === 0)
    await spinning
  },
)

function onceLine(lines: ReturnType<typeof createInterface>): Promise<string> {
  return new Promise((resolve) => lines.once("line", resolve))
}
