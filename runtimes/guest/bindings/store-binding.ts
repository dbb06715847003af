/**
 * `env.STORE`: a small key-value store with the names of Workers KV. Values up to 128 KiB; what was put is there for the
 * next get of anybody, at once. What the store refuses rejects with a `code`: STORE_FULL, STORE_BUSY and so on.
 */
import type { CallClient, StoreReply } from "../../../protocol/calls/call-client.ts"
import {
  MAX_CURSOR_BYTES,
  MAX_KEY_BYTES,
  MAX_LIST_KEYS,
  MAX_VALUE_BYTES,
  type StoreError,
  type StoreList,
  StoreOutcome,
} from "../../../protocol/calls/call-frames.ts"

export type StoreType = "text" | "json" | "arrayBuffer" | "stream"
export type StoreValue = string | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>

export interface PutOptions {
  /** Seconds to live. */
  readonly ttl?: number
  readonly expirationTtl?: number
  /** When it ends, in seconds since 1970. */
  readonly expiration?: number
}

export interface ListOptions {
  readonly prefix?: string | null
  readonly limit?: number
  readonly cursor?: string | null
}

export interface StoreBinding {
  /** Null when there is no such key, or its time is over. */
  get(key: string, type?: StoreType | { type?: StoreType }): Promise<unknown>
  put(key: string, value: StoreValue, options?: PutOptions): Promise<void>
  /** Also when there is no such key. */
  delete(key: string): Promise<void>
  /** Keys in the order of their bytes. A page may hold less than `limit`: go on with `cursor` until it is complete. */
  list(options?: ListOptions): Promise<StoreList & { list_complete: boolean }>
}

const NOTHING = new Uint8Array(0)
const MOST_SECONDS = 0xffff_ffff

export function createStoreBinding(name: string, calls: CallClient): StoreBinding {
  const encoder = new TextEncoder()
  const ask = async (
    op: "get" | "put" | "delete" | "list",
    parts: { key: Uint8Array; value?: Uint8Array; number?: number },
  ): Promise<StoreReply> => {
    const { key, value = NOTHING, number = 0 } = parts
    const reply = await calls.store({ op, binding: name, key, value, number })
    if (reply.outcome !== StoreOutcome.error) return reply
    const { code, message } = JSON.parse(textOf(reply.bytes)) as StoreError
    throw Object.assign(new Error(`${name}.${op}: ${message}`), { code })
  }
  const keyBytes = (key: unknown): Uint8Array => {
    if (typeof key !== "string") throw new TypeError(`${name}: a key must be a string`)
    const bytes = encoder.encode(key)
    if (bytes.length === 0 || bytes.length > MAX_KEY_BYTES)
      throw new TypeError(
        `${name}: a key must have 1 to ${MAX_KEY_BYTES} bytes, this one has ${bytes.length}`,
      )
    return bytes
  }

  return {
    async get(key, type) {
      const wanted = (typeof type === "object" ? type?.type : type) ?? "text"
      const convert = CONVERSIONS[wanted]
      if (convert === undefined) throw new TypeError(`${name}.get: unknown type ${JSON.stringify(wanted)}`)
      const { outcome, bytes } = await ask("get", { key: keyBytes(key) })
      return outcome === StoreOutcome.absent ? null : convert(bytes)
    },
    async put(key, value, options = {}) {
      const number = secondsToLive(name, options)
      await ask("put", { key: keyBytes(key), value: await bytesOf(name, value), number })
    },
    async delete(key) {
      await ask("delete", { key: keyBytes(key) })
    },
    async list(options = {}) {
      const limit = options.limit ?? MAX_LIST_KEYS
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_KEYS)
        throw new RangeError(`${name}.list: limit must be from 1 to ${MAX_LIST_KEYS}`)
      const key = encoder.encode(options.prefix ?? "")
      if (key.length > MAX_KEY_BYTES)
        throw new TypeError(`${name}.list: a prefix over ${MAX_KEY_BYTES} bytes`)
      const value = encoder.encode(options.cursor ?? "")
      if (value.length > MAX_CURSOR_BYTES)
        throw new TypeError(`${name}.list: the cursor is not one that a list gave`)
      const { bytes } = await ask("list", { key, value, number: limit })
      const list = JSON.parse(textOf(bytes)) as StoreList
      return { ...list, list_complete: list.complete }
    },
  }
}

const CONVERSIONS: Readonly<Partial<Record<string, (bytes: Uint8Array) => unknown>>> = {
  text: textOf,
  json: (bytes) => JSON.parse(textOf(bytes)),
  arrayBuffer: (bytes) => new Uint8Array(bytes).buffer,
  stream: (bytes) =>
    new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes)
        controller.close()
      },
    }),
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function secondsToLive(name: string, { ttl, expirationTtl, expiration }: PutOptions): number {
  const seconds = ttl ?? expirationTtl ?? (expiration == null ? null : expiration - Date.now() / 1000)
  if (seconds == null) return 0
  if (typeof seconds !== "number" || !(seconds > 0))
    throw new RangeError(`${name}.put: the time to live must be above 0 seconds`)
  return Math.min(Math.ceil(seconds), MOST_SECONDS)
}

async function bytesOf(name: string, value: unknown): Promise<Uint8Array> {
  const bytes = value instanceof ReadableStream ? await readAll(name, value) : viewOf(name, value)
  if (bytes.length > MAX_VALUE_BYTES) throw tooLong(name, bytes.length)
  return bytes
}

function viewOf(name: string, value: unknown): Uint8Array {
  if (typeof value === "string") return new TextEncoder().encode(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new TypeError(`${name}.put: a value must be a string, bytes or a stream of bytes`)
}

async function readAll(name: string, stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader()
  const bytes = new Uint8Array(MAX_VALUE_BYTES)
  let length = 0
  while (true) {
    const { done, value } = await reader.read()
    if (done) return bytes.subarray(0, length)
    const chunk = viewOf(name, value)
    if (length + chunk.length > MAX_VALUE_BYTES) {
      await reader.cancel()
      throw tooLong(name, length + chunk.length)
    }
    bytes.set(chunk, length)
    length += chunk.length
  }
}

function tooLong(name: string, bytes: number): Error {
  const message = `${name}.put: a value of at least ${bytes} bytes; the longest is ${MAX_VALUE_BYTES}`
  return Object.assign(new RangeError(message), { code: "STORE_VALUE_TOO_LARGE" })
}
