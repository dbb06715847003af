/** Why a store did not do what it was asked: the code that the app sees, and what SQLite's own codes mean. */
import { messageOf } from "../../protocol/errors.ts"

export type StoreFaultCode =
  | "STORE_BUSY"
  | "STORE_CURSOR_INVALID"
  | "STORE_DISK_FULL"
  | "STORE_FULL"
  | "STORE_KEY_INVALID"
  | "STORE_UNAVAILABLE"
  | "STORE_UNKNOWN"
  | "STORE_UNSUPPORTED"

export class StoreFault extends Error {
  readonly code: StoreFaultCode

  constructor(code: StoreFaultCode, message: string) {
    super(message)
    this.code = code
  }

  static of(error: unknown): StoreFault {
    if (error instanceof StoreFault) return error
    if (isFull(error)) return new StoreFault("STORE_DISK_FULL", "the disk of the store is full")
    return new StoreFault("STORE_UNAVAILABLE", `the store cannot be used: ${messageOf(error)}`)
  }
}

export function isFull(error: unknown): boolean {
  return primaryCode(error) === SQLITE_FULL
}

/** The file is not a database, or not a sound one. */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

function primaryCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === "number" ? code & 0xff : 0
}
