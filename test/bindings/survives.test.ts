/** What was put and acknowledged is there, whatever is killed and when; and an app that dies leaves its callers answered. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { expect, it, onTestFinished } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, startHost } from "../support/harness.ts"

const dir = join(FIXTURES, "bindings")

interface HostProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly pids: readonly number[]
}

async function start(cwd: string): Promise<HostProcess> {
  const program = join(import.meta.dirname, "../fixtures/store-host.ts")
  const child = spawn(process.execPath, [program, dir], {
    cwd,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, TMPDIR: cwd },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  const [line] = (await within(
    60_000,
    "the host's start",
    once(createInterface({ input: child.stdout }), "line"),
  )) as [string]
  return { child, ...(JSON.parse(line) as { url: string; pids: number[] }) }
}

async function kill({ child }: HostProcess): Promise<void> {
  const exited = once(child, "exit")
  child.kill("SIGKILL")
  await exited
}

it("acknowledged puts survive SIGKILL of the host in the middle of more of them", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "phk-"))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  const acknowledged = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const host = await start(cwd)
    for (const name of acknowledged) {
      const value = await (await fetch(`${host.url}/caller/store/get/${name}`)).json()
      expect(value, name).toBe(name.padEnd(5000, "."))
    }
    let dead = false
    const writer = async (lane: number): Promise<void> => {
      for (let at = 0; !dead; at++) {
        const name = `r${round}-l${lane}-${at}`
        const body = name.padEnd(5000, ".")
        const answer = await fetch(`${host.url}/caller/store/put-text/${name}`, { method: "POST", body })
        if ((await answer.json()) === null) acknowledged.add(name)
        if (acknowledged.size % 40 === 0) break
      }
    }
    const before = acknowledged.size
    const lanes = Array.from({ length: 8 }, (_, lane) => writer(lane).catch(() => undefined))
    await within(20_000, "puts", Promise.race(lanes))
    await kill(host)
    dead = true
    await Promise.all(lanes)
    expect(acknowledged.size).toBeGreaterThan(before)
  }
})

it("calls of an app that is killed are answered 502, and the store goes on", async () => {
  const host = await startHost({
    caller: { dir, bindings: { AUTH: "app:auth" } },
    auth: { dir },
  })
  await host.ask("/caller/store/put-text/kept", { method: "POST", body: "yes" })
  const hanging = host.ask("/caller/call?url=http://auth/hangs", { method: "POST", body: "x" })
  await eventually(10_000, "the call to be there", () => (host.app("auth").instances[0]?.inFlight ?? 0) > 0)
  process.kill(host.pidOf("auth"), "SIGKILL")
  const { status, text } = await hanging
  expect({ status, text }).toMatchObject({ status: 502 })
  expect(text).toContain("APP_CRASHED")
  process.kill(host.pidOf("caller"), "SIGKILL")
  await host.logged(/caller.*APP_CRASHED|APP_CRASHED.*caller/)
  expect((await host.ask("/caller/store/get/kept")).text).toBe('"yes"')
})

it("an app is told when the app that calls it is killed", async () => {
  const host = await startHost({
    caller: { dir, bindings: { AUTH: "app:auth" } },
    auth: { dir },
  })
  const hanging = host.ask("/caller/call?url=http://auth/hangs", { method: "POST", body: "x" })
  await eventually(10_000, "the call to be there", () => (host.app("auth").instances[0]?.inFlight ?? 0) > 0)
  process.kill(host.pidOf("caller"), "SIGKILL")
  await host.logged(/the callee was told/)
  expect((await hanging).status).toBe(502)
})
