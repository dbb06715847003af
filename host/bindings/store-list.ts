/** A page of keys: in the order of their bytes, as JSON that fits one frame. */
import type { StatementSync } from "node:sqlite"
import { MAX_LIST_KEYS, type StoreList } from "../../protocol/calls/call-frames.ts"
import { StoreFault } from "./store-fault.ts"
import type { StoreTask } from "./store-messages.ts"

/** A page ends when its keys have so many bytes as JSON, whatever the limit: the whole must fit a frame of 256 KiB. */
const PAGE_BYTES = 192 * 1024
const BYTES_AROUND_NAME = 40

export function listKeys(statement: StatementSync, task: StoreTask, nowMs: number): Uint8Array {
  const { namespace, key: prefix, value: cursor, number } = task
  const limit = Math.min(Math.max(number, 1), MAX_LIST_KEYS)
  const after = readCursor(cursor)
  const end = afterPrefix(prefix)
  const rows = statement.all(namespace, prefix, after, end, end, nowMs, limit + 1)
  const keys: { name: string; expiration?: number }[] = []
  let bytes = 0
  let last: Uint8Array = after
  for (const row of rows.slice(0, limit)) {
    const key = row["key"] as Uint8Array
    const name = Buffer.from(key).toString()
    bytes += Buffer.byteLength(JSON.stringify(name)) + BYTES_AROUND_NAME
    if (keys.length > 0 && bytes > PAGE_BYTES) break
    const expires = row["expires"]
    keys.push(expires === null ? { name } : { name, expiration: Math.floor(Number(expires) / 1000) })
    last = key
  }
  const complete = keys.length === rows.length
  const list: StoreList = { keys, complete, cursor: complete ? "" : Buffer.from(last).toString("base64url") }
  return Buffer.from(JSON.stringify(list))
}

function readCursor(cursor: Uint8Array): Uint8Array {
  const text = Buffer.from(cursor).toString("latin1")
  if (!/^[\w-]*$/.test(text))
    throw new StoreFault("STORE_CURSOR_INVALID", "the cursor is not one that a list gave")
  return Buffer.from(text, "base64url")
}

/** The first bytes after all that begin with `prefix`; null: there are none. */
function afterPrefix(prefix: Uint8Array): Uint8Array | null {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return null
  const end = new Uint8Array(prefix.subarray(0, length))
  end[length - 1]!++
  return end
}
