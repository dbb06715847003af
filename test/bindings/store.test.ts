/** The store itself: quotas, expiry, what becomes of it when its thread, its file or its disk fails. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import { StoreDatabase, type StoreDatabaseOptions } from "../../host/bindings/store-database.ts"
import type { StoreTask } from "../../host/bindings/store-messages.ts"
import { StoreRig } from "./store-rig.ts"

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), "phs-"))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

class Rig {
  nowMs = 1_000_000
  readonly path = join(temporary(), "store.sqlite")
  readonly damages: string[] = []
  database: StoreDatabase
  readonly #options: StoreDatabaseOptions

  constructor(options: Partial<StoreDatabaseOptions> = {}) {
    this.#options = {
      path: this.path,
      quota: { bytes: 10_000, keys: 10 },
      now: () => this.nowMs,
      damaged: (path) => this.damages.push(path),
      ...options,
    }
    this.database = new StoreDatabase(DatabaseSync, this.#options)
    onTestFinished(() => this.database.close())
  }

  reopen(): void {
    this.database.close()
    this.database = new StoreDatabase(DatabaseSync, this.#options)
  }

  do(op: StoreTask["op"], key = "", value = "", number = 0): string {
    return this.all([task(op, key, value, number)])[0] ?? ""
  }

  /** `ok …`, `absent`, or the code of an error. */
  all(tasks: readonly StoreTask[]): string[] {
    return this.database.run(tasks).map(({ outcome, bytes }) => {
      const text = Buffer.from(bytes).toString()
      if (outcome === 2) return (JSON.parse(text) as { code: string }).code
      return outcome === 1 ? "absent" : `ok ${text}`.trim()
    })
  }
}

function task(op: StoreTask["op"], key: string, value = "", number = 0): StoreTask {
  return { id: 1, op, namespace: "app", key: Buffer.from(key), value: Buffer.from(value), number }
}

describe("the store's database", () => {
  it("does what a map with clocks does, whatever is asked of it in one batch", () => {
    const key = fc.constantFrom("a", "ab", "b", "é", "\u{10ffff}")
    const action = fc.oneof(
      fc.record({
        op: fc.constant("put" as const),
        key,
        value: fc.string({ maxLength: 20 }),
        number: fc.nat(3),
      }),
      fc.record({ op: fc.constantFrom("get" as const, "delete" as const), key }),
      fc.record({ op: fc.constant("list" as const), key: fc.constantFrom("", "a", "ab", "é", "zz") }),
      fc.record({ op: fc.constant("wait" as const), seconds: fc.nat(3) }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const rig = new Rig({ quota: { bytes: 1e6, keys: 1e6 } })
        const model = new Map<string, { value: string; until: number }>()
        const live = (name: string): string | undefined => {
          const entry = model.get(name)
          return entry !== undefined && entry.until > rig.nowMs ? entry.value : undefined
        }
        for (const it of actions) {
          if (it.op === "wait") {
            rig.nowMs += it.seconds * 1000
            if (it.seconds === 3) rig.database.sweep()
          } else if (it.op === "put") {
            expect(rig.do("put", it.key, it.value, it.number)).toBe("ok")
            model.set(it.key, {
              value: it.value,
              until: it.number === 0 ? Infinity : rig.nowMs + it.number * 1000,
            })
          } else if (it.op === "get") {
            const value = live(it.key)
            expect(rig.do("get", it.key)).toBe(value === undefined ? "absent" : `ok ${value}`.trim())
          } else if (it.op === "delete") {
            rig.do("delete", it.key)
            model.delete(it.key)
          } else {
            const names = [...model.keys()].filter(
              (name) => name.startsWith(it.key) && live(name) !== undefined,
            )
            const listed = JSON.parse(rig.do("list", it.key, "", 100).slice(3)) as {
              keys: { name: string }[]
            }
            const sorted = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
            expect(listed.keys.map(({ name }) => name)).toEqual(sorted)
          }
        }
        rig.database.close()
      }),
      { numRuns: 60 },
    )
  })

  it("refuses what is over its quota, which counts neither what expired nor what is replaced", () => {
    const rig = new Rig()
    expect(rig.do("put", "large", "x".repeat(9_995))).toBe("ok")
    expect(rig.do("put", "large", "y".repeat(9_995))).toBe("ok")
    expect(rig.do("put", "a", "1")).toBe("STORE_FULL")
    expect(rig.do("delete", "large")).toBe("ok")
    for (let at = 0; at < 10; at++) expect(rig.do("put", `k${at}`, "1", 5)).toBe("ok")
    expect(rig.do("put", "k10", "1")).toBe("STORE_FULL")
    expect(rig.do("put", "k9", "2", 5)).toBe("ok")
    rig.nowMs += 6000
    expect(rig.do("put", "k10", "1")).toBe("ok")
    expect(rig.do("get", "k1")).toBe("absent")
  })

  it("pages a list by cursor, also when names are long", () => {
    const rig = new Rig({ quota: { bytes: 1e7, keys: 1e4 } })
    const names = Array.from({ length: 900 }, (_, at) => String(at).padStart(500, "\u0001"))
    rig.all(names.map((name) => task("put", name, "v")))
    const seen: string[] = []
    let cursor = ""
    let pages = 0
    do {
      const text = rig.do("list", "", cursor, 1000).slice(3)
      expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024)
      const page = JSON.parse(text) as { keys: { name: string }[]; complete: boolean; cursor: string }
      seen.push(...page.keys.map(({ name }) => name))
      cursor = page.cursor
      pages++
      expect(page.complete).toBe(cursor === "")
    } while (cursor !== "")
    expect(seen).toEqual(names.sort())
    expect(pages).toBeGreaterThan(3)
    expect(rig.do("list", "", "not a cursor!", 10)).toBe("STORE_CURSOR_INVALID")
  })

  it("answers the others of a batch when one is wrong", () => {
    const rig = new Rig()
    const answers = rig.all([
      task("put", "a", "1"),
      task("put", ""),
      task("put", "b", "x".repeat(20_000)),
      task("get", "a"),
    ])
    expect(answers).toEqual(["ok", "STORE_KEY_INVALID", "STORE_FULL", "ok 1"])
  })

  it("keeps its file to its owner", () => {
    const rig = new Rig()
    rig.do("put", "a", "1")
    for (const name of readdirSync(join(rig.path, ".."))) {
      expect(statSync(join(rig.path, "..", name)).mode & 0o777, name).toBe(0o600)
    }
  })

  it("says that the disk is full, answers what still can be answered, and goes on when there is room", () => {
    const rig = new Rig({ quota: { bytes: 1e9, keys: 1e6 }, mostFileBytes: 400_000 })
    expect(rig.do("put", "first", "1")).toBe("ok")
    const many = Array.from({ length: 20 }, (_, at) => task("put", `k${at}`, "x".repeat(50_000)))
    const answers = rig.all([...many, task("get", "first")])
    expect(new Set(answers)).toEqual(new Set(["ok", "STORE_DISK_FULL", "ok 1"]))
    const kept = answers.filter((answer) => answer === "ok").length
    for (let at = 0; at < kept; at++) expect(rig.do("get", `k${at}`)).toMatch(/^ok x/)
    rig.all(many.map(({ key }) => ({ ...task("delete", "k"), key })))
    expect(rig.do("put", "again", "x".repeat(50_000))).toBe("ok")
  })

  it.each([
    ["no database at all", (path: string) => writeFileSync(path, "x".repeat(20_000))],
    [
      "a database whose pages are damaged",
      (path: string) => {
        const size = statSync(path).size
        truncateSync(path, 4096)
        writeFileSync(path, Buffer.alloc(size - 4096, 7), { flag: "a" })
      },
    ],
  ])("moves a file aside that is %s, and begins a new one", (_what, damage) => {
    const rig = new Rig({ quota: { bytes: 1e7, keys: 1e4 } })
    rig.all(Array.from({ length: 100 }, (_, at) => task("put", `k${at}`, "x".repeat(1000))))
    rig.database.close()
    damage(rig.path)
    rig.reopen()
    expect(rig.do("put", "a", "1")).toBe("ok")
    expect(rig.do("get", "a")).toBe("ok 1")
    expect(rig.damages).toHaveLength(1)
    expect(existsSync(rig.damages[0] ?? "")).toBe(true)
  })

  it("is an error of the call when its folder cannot be written", () => {
    const file = join(temporary(), "file")
    writeFileSync(file, "")
    const rig = new Rig({ path: join(file, "below", "store.sqlite") })
    expect(rig.do("get", "a")).toBe("STORE_UNAVAILABLE")
    expect(rig.do("put", "a", "1")).toBe("STORE_UNAVAILABLE")
  })
})

describe("the store's thread", () => {
  it("is started by the first request, and by the next after it was ended; nothing that waits is lost", async () => {
    const rig = new StoreRig(temporary())
    onTestFinished(() => rig.store.close())
    const puts = Array.from({ length: 50 }, (_, at) => rig.ask("put", `k${at}`, "1"))
    expect(await Promise.all(puts)).toEqual(puts.map(() => "ok"))
    for (let round = 0; round < 3; round++) {
      const asked = Array.from({ length: 50 }, (_, at) => rig.ask("put", `k${at}`, String(round)))
      await rig.killWorker()
      expect(await Promise.all(asked)).toEqual(asked.map(() => "ok"))
      expect(await rig.ask("get", "k49")).toBe(`ok ${round}`)
    }
  })

  it("is ended by close, after what waited was done; a later request is refused", async () => {
    const dir = temporary()
    const rig = new StoreRig(dir)
    const asked = rig.ask("put", "a", "1")
    await rig.store.close()
    expect(await asked).toBe("ok")
    expect(await rig.ask("get", "a")).toBe("STORE_UNAVAILABLE")
    const again = new StoreRig(dir)
    onTestFinished(() => again.store.close())
    expect(await again.ask("get", "a")).toBe("ok 1")
  })

  it("is not asked more than it may be at once by one app; another app's requests go through", async () => {
    const rig = new StoreRig(temporary())
    onTestFinished(() => rig.store.close())
    const asked = Array.from({ length: 1100 }, () => rig.ask("get", "a"))
    const other = rig.ask("get", "a", "", "other")
    const answers = await Promise.all(asked)
    expect(answers.filter((answer) => answer === "STORE_BUSY")).toHaveLength(76)
    expect(await other).toBe("absent")
    expect(await rig.ask("get", "a")).toBe("absent")
  })

  it("writes an error line about a damaged file", async () => {
    const dir = temporary()
    writeFileSync(join(dir, "store.sqlite"), "x".repeat(20_000))
    const rig = new StoreRig(dir)
    onTestFinished(() => rig.store.close())
    expect(await rig.ask("put", "a", "1")).toBe("ok")
    expect(rig.log).toMatch(/"level":"error".*damaged.*store\.sqlite\.damaged-\d+/)
  })
})
