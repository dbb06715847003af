/**
 * The key-value store in its file: SQLite by `node:sqlite`. Owns the tables, quotas, expiry, and what becomes of a file
 * that is damaged. Runs in the store's worker thread alone (`store-worker.ts`); nothing here waits or knows of apps.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs"
import { dirname } from "node:path"
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { StoreOutcome } from "../../protocol/calls/call-frames.ts"
import { isDamage, isFull, StoreFault } from "./store-fault.ts"
import { listKeys } from "./store-list.ts"
import type { StoreAnswer, StoreQuota, StoreTask } from "./store-messages.ts"
import { SCHEMA } from "./store-schema.ts"

export interface StoreDatabaseOptions {
  readonly path: string
  readonly quota: StoreQuota
  /** Largest size of the file, in bytes; 0: what the disk has. */
  readonly mostFileBytes?: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** A damaged file was moved to `path`, and a new one begun. */
  readonly damaged: (path: string, reason: string) => void
}

interface Statements {
  readonly get: StatementSync
  readonly sizeOf: StatementSync
  readonly put: StatementSync
  readonly delete: StatementSync
  readonly usage: StatementSync
  readonly sweepOf: StatementSync
  readonly sweep: StatementSync
  readonly list: StatementSync
}

/** Expired entries that one statement removes: a sweep must not hold up requests. */
const SWEEP_ROWS = 1000

export class StoreDatabase {
  readonly #Database: typeof DatabaseSync
  readonly #options: StoreDatabaseOptions
  #database: DatabaseSync | null = null
  #statements: Statements | null = null

  constructor(Database: typeof DatabaseSync, options: StoreDatabaseOptions) {
    this.#Database = Database
    this.#options = options
  }

  /** Does all of them in one transaction; those that fail alone fail alone. Never throws. */
  run(tasks: readonly StoreTask[]): StoreAnswer[] {
    try {
      return this.#together(tasks)
    } catch (error) {
      this.#rollBack()
      if (isDamage(error)) this.#moveAside(error)
      else if (isFull(error)) this.#makeRoom()
      return tasks.map((task) => this.#alone(task))
    }
  }

  /** Removes what has expired, some at a time. @returns whether there is more. Never throws. */
  sweep(): boolean {
    // A store that nobody uses is not opened for it.
    if (this.#statements === null) return false
    try {
      return Number(this.#statements.sweep.run(this.#options.now(), SWEEP_ROWS).changes) === SWEEP_ROWS
    } catch {
      return false
    }
  }

  close(): void {
    const database = this.#database
    this.#database = null
    this.#statements = null
    try {
      database?.close()
    } catch {
      // A damaged file cannot be closed in order.
    }
  }

  #together(tasks: readonly StoreTask[]): StoreAnswer[] {
    const { database, statements } = this.#open()
    if (tasks.every(({ op }) => op === "get" || op === "list"))
      return tasks.map((task) => this.#answer(statements, task))
    database.exec("BEGIN IMMEDIATE")
    const answers = tasks.map((task) => this.#answer(statements, task))
    database.exec("COMMIT")
    return answers
  }

  #alone(task: StoreTask): StoreAnswer {
    try {
      return this.#answer(this.#open().statements, task)
    } catch (error) {
      this.#rollBack()
      return failed(task, StoreFault.of(error))
    }
  }

  /** Throws what SQLite throws; what the store itself refuses is an answer. */
  #answer(statements: Statements, task: StoreTask): StoreAnswer {
    try {
      return { id: task.id, ...this.#do(statements, task) }
    } catch (error) {
      if (error instanceof StoreFault) return failed(task, error)
      throw error
    }
  }

  #do(statements: Statements, task: StoreTask): Omit<StoreAnswer, "id"> {
    const { op, namespace, key, value, number } = task
    const nowMs = this.#options.now()
    switch (op) {
      case "get": {
        const row = statements.get.get(namespace, key, nowMs)
        if (row === undefined) return { outcome: StoreOutcome.absent, bytes: NO_BYTES }
        return { outcome: StoreOutcome.ok, bytes: row["value"] as Uint8Array }
      }
      case "put":
        checkKey(key)
        this.#checkQuota(statements, task)
        statements.put.run(namespace, key, value, number === 0 ? null : nowMs + number * 1000)
        return { outcome: StoreOutcome.ok, bytes: NO_BYTES }
      case "delete": {
        const { changes } = statements.delete.run(namespace, key)
        return { outcome: Number(changes) > 0 ? StoreOutcome.ok : StoreOutcome.absent, bytes: NO_BYTES }
      }
      case "list":
        return { outcome: StoreOutcome.ok, bytes: listKeys(statements.list, task, nowMs) }
    }
  }

  #checkQuota(statements: Statements, { namespace, key, value }: StoreTask): void {
    const { quota, now } = this.#options
    const old = Number(statements.sizeOf.get(namespace, key)?.["bytes"] ?? -1)
    const more = key.length + value.length - Math.max(old, 0)
    const over = (): string | null => {
      const used = statements.usage.get(namespace)
      const keys = Number(used?.["keys"] ?? 0) + (old < 0 ? 1 : 0)
      const bytes = Number(used?.["bytes"] ?? 0) + more
      if (keys > quota.keys) return `it holds ${quota.keys} keys, its most`
      return bytes > quota.bytes ? `it would hold ${bytes} bytes; its most are ${quota.bytes}` : null
    }
    if (over() === null) return
    // What has expired does not count.
    statements.sweepOf.run(namespace, now())
    const reason = over()
    if (reason !== null) throw new StoreFault("STORE_FULL", `store "${namespace}" is full: ${reason}`)
  }

  #open(): { database: DatabaseSync; statements: Statements } {
    if (this.#database !== null && this.#statements !== null)
      return { database: this.#database, statements: this.#statements }
    try {
      return this.#openFile()
    } catch (error) {
      this.close()
      if (!isDamage(error)) throw error
      this.#moveAside(error)
      return this.#openFile()
    }
  }

  #openFile(): { database: DatabaseSync; statements: Statements } {
    const { path, mostFileBytes = 0 } = this.#options
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives the files beside it the mode of the file itself.
    closeSync(openSync(path, "a", 0o600))
    chmodSync(path, 0o600)
    const database = new this.#Database(path, { timeout: 5000 })
    this.#database = database
    database.exec(SCHEMA)
    if (mostFileBytes > 0) database.exec(`PRAGMA max_page_count = ${Math.ceil(mostFileBytes / 4096)}`)
    const live = "(expires IS NULL OR expires > ?)"
    const statements: Statements = {
      get: database.prepare(`SELECT value FROM entry WHERE namespace = ? AND key = ? AND ${live}`),
      sizeOf: database.prepare(
        "SELECT length(key) + length(value) AS bytes FROM entry WHERE namespace = ? AND key = ?",
      ),
      put: database.prepare(
        `INSERT INTO entry (namespace, key, value, expires) VALUES (?, ?, ?, ?)
         ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, expires = excluded.expires`,
      ),
      delete: database.prepare("DELETE FROM entry WHERE namespace = ? AND key = ?"),
      usage: database.prepare("SELECT keys, bytes FROM usage WHERE namespace = ?"),
      sweepOf: database.prepare("DELETE FROM entry WHERE namespace = ? AND expires <= ?"),
      sweep: database.prepare(
        "DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry WHERE expires <= ? LIMIT ?)",
      ),
      list: database.prepare(
        `SELECT key, expires FROM entry
         WHERE namespace = ? AND key >= ? AND key > ? AND (? IS NULL OR key < ?) AND ${live}
         ORDER BY key LIMIT ?`,
      ),
    }
    this.#statements = statements
    return { database, statements }
  }

  #rollBack(): void {
    try {
      this.#database?.exec("ROLLBACK")
    } catch {
      // There was no transaction any more.
    }
  }

  /** What the log beside the file holds of old versions goes; what can be written then is tried again. */
  #makeRoom(): void {
    try {
      this.#database?.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    } catch {
      // There is no room for that either.
    }
  }

  #moveAside(error: unknown): void {
    this.close()
    const { path, damaged, now } = this.#options
    const aside = `${path}.damaged-${now()}`
    for (const suffix of ["", "-wal", "-shm"])
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
    damaged(aside, error instanceof Error ? error.message : String(error))
  }
}

const NO_BYTES = new Uint8Array(0)

function failed({ id }: StoreTask, { code, message }: StoreFault): StoreAnswer {
  return { id, outcome: StoreOutcome.error, bytes: Buffer.from(JSON.stringify({ code, message })) }
}

/** Keys are text: a list gives them as JSON. */
function checkKey(key: Uint8Array): void {
  if (key.length === 0) throw new StoreFault("STORE_KEY_INVALID", "a key must have at least one byte")
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(key)
  } catch {
    throw new StoreFault("STORE_KEY_INVALID", "a key must be UTF-8")
  }
}
