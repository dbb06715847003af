/** What ACME keeps: whole whatever happens, and whoever else is at it. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { AcmeState } from "../../host/acme/state.ts"
import { within } from "../support/deadline.ts"
import { temporaryDir } from "./site.ts"
import { DAY_MS, HOST } from "./start.ts"

const DIRECTORY = "https://authority.example/directory"
const PAIR = { cert: "certificate", key: "key" }

function spawnWriter(stateDir: string, first: number): ChildProcess {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "state-writer.ts"), stateDir, String(first)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  )
  onTestFinished(() => void child.kill("SIGKILL"))
  return child
}

const numberOf = (text: string | undefined) => text?.split(" ")[0]

test("a writer killed at any moment leaves a pair that belongs together", async () => {
  const stateDir = temporaryDir()
  const state = new AcmeState(stateDir, DIRECTORY)
  let last = -1
  for (let round = 0; round < 6; round++) {
    const child = spawnWriter(stateDir, 1000 * round)
    const ended = once(child, "exit")
    await within(10_000, "the writer", once(child.stdout as NodeJS.EventEmitter, "data"))
    // At another moment each time: some reads long.
    for (let i = 0; i < 3 * round; i++) await state.read(HOST)
    child.kill("SIGKILL")
    await ended
    const pair = await state.read(HOST)
    expect(numberOf(pair?.cert)).toBe(numberOf(pair?.key))
    expect(pair?.cert).toHaveLength(String(numberOf(pair?.cert)).length + 20_001)
    expect(Number(numberOf(pair?.cert))).toBeGreaterThan(last)
    last = Number(numberOf(pair?.cert))
  }
  const hosts = join(state.dir, "hosts")
  expect(readdirSync(hosts)).toContain(HOST)
  // What the dead left is swept when no living one can be at it.
  const longAgo = new Date(Date.now() - DAY_MS)
  mkdirSync(join(hosts, `.${HOST}.0123456789abcdef`), { recursive: true })
  writeFileSync(join(state.dir, "account.pem.0123456789abcdef"), "")
  for (const path of [hosts, state.dir])
    for (const name of readdirSync(path))
      if (name !== HOST && name !== "hosts") utimesSync(join(path, name), longAgo, longAgo)
  await state.sweep()
  expect(readdirSync(hosts)).toHaveLength(2)
  expect(readdirSync(state.dir).sort()).toEqual(["account.pem", "hosts"])
  expect(numberOf((await state.read(HOST))?.cert)).toBe(String(last))
})

test("two processes at one folder have one account, and no reader sees half of what they write", async () => {
  const stateDir = temporaryDir()
  const state = new AcmeState(stateDir, DIRECTORY)
  const children = [spawnWriter(stateDir, 0), spawnWriter(stateDir, 1)]
  await Promise.all(
    children.map((it) => within(10_000, "a writer", once(it.stdout as NodeJS.EventEmitter, "data"))),
  )
  const seen = new Set<number>()
  while (seen.size < 40) {
    const pair = await state.read(HOST)
    // Null: the link moved on three times while it was read.
    if (pair === null) continue
    expect(numberOf(pair.cert)).toBe(numberOf(pair.key))
    expect(pair.cert.length).toBeGreaterThan(20_000)
    seen.add(Number(numberOf(pair.key)))
  }
  expect([...seen].some((it) => it % 2 === 0) && [...seen].some((it) => it % 2 === 1)).toBe(true)
  const account = await state.accountKey(() => Promise.reject(new Error("there is one")))
  expect(children.map((it) => `account of ${it.pid}`)).toContain(account)
  for (const child of children) {
    expect(child.exitCode).toBeNull()
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
})

test("many that make the account's key at once get the same", async () => {
  const stateDir = temporaryDir()
  const keys = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      new AcmeState(stateDir, DIRECTORY).accountKey(() => Promise.resolve(`key ${i}`)),
    ),
  )
  expect(new Set(keys).size).toBe(1)
})

test("a tree that was copied without its links is read and replaced", async () => {
  const state = new AcmeState(temporaryDir(), DIRECTORY)
  await state.write(HOST, PAIR)
  const hosts = join(state.dir, "hosts")
  const copy = join(hosts, "copy")
  cpSync(join(hosts, HOST), copy, { recursive: true, dereference: true })
  rmSync(join(hosts, HOST))
  cpSync(copy, join(hosts, HOST), { recursive: true })
  expect(await state.read(HOST)).toEqual(PAIR)
  await state.write(HOST, { cert: "new", key: "new" })
  expect(await state.read(HOST)).toEqual({ cert: "new", key: "new" })
  expect(readFileSync(join(hosts, HOST, "cert.pem"), "utf8")).toBe("new")
})

test("authorities do not share a folder, and a host's name is no path", async () => {
  const stateDir = temporaryDir()
  const [one, other] = [new AcmeState(stateDir, DIRECTORY), new AcmeState(stateDir, `${DIRECTORY}2`)]
  await one.write(HOST, PAIR)
  expect(await other.read(HOST)).toBeNull()
  for (const name of ["../x", ".hidden", "a/b", ""]) {
    await expect(one.write(name, PAIR)).rejects.toThrow("no host name")
    await expect(one.read(name)).rejects.toThrow("no host name")
  }
  expect(existsSync(join(stateDir, "acme"))).toBe(true)
})
