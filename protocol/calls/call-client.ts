/**
 * CallClient: opens calls and store requests towards the trusted side, and keeps within what may be open at once:
 * more than that, and what is asked before the connection is ready, waits here. It knows no Request or Response:
 * `runtimes/guest/bindings/` makes those. Counterpart: `call-server.ts`.
 */
import { encodeText } from "../control.ts"
import {
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  frameName,
  MAX_HEADER_BLOCK_BYTES,
  MAX_OPEN_CALLS,
  readUint32,
  violation,
  writeLatin1,
  writeUint16,
  writeUint32,
  writeUint48,
} from "../frames.ts"
import {
  CALL_REQUEST_FIXED_BYTES,
  MAX_CALL_NAME_BYTES,
  MAX_CALL_URL_BYTES,
  STORE_REQUEST_FIXED_BYTES,
  StoreOp,
  type StoreOpName,
} from "./call-frames.ts"
import { ClientCall, type ClientCallEvents } from "./client-call.ts"

export interface CallRequest {
  readonly binding: string
  readonly method: string
  /** Absolute, ASCII. */
  readonly url: string
  /** Header lines `name: value\r\n`, Latin-1. */
  readonly lines: string
  readonly hasBody: boolean
  /** Stream id of the request that the app makes it for; 0: not known. */
  readonly cause: number
}

export interface StoreAsk {
  readonly op: StoreOpName
  readonly binding: string
  /** The key; of a list the prefix. */
  readonly key: Uint8Array
  /** The value of a put; of a list the cursor. */
  readonly value: Uint8Array
  /** Seconds to live of a put, 0 for ever; of a list the most keys. */
  readonly number: number
}

export interface StoreReply {
  /** As in StoreOutcome. */
  readonly outcome: number
  /** A copy. */
  readonly bytes: Uint8Array
}

interface StoreWaiter {
  readonly id: number
  readonly resolve: (reply: StoreReply) => void
  readonly reject: (error: Error) => void
}

export class CallClient {
  /** Told when the first call or store request is asked for while there was none, and when the last has ended. */
  onBusy: ((busy: boolean) => void) | null = null
  #writer: FrameWriter | null = null
  readonly #calls = new Map<number, ClientCall>()
  readonly #asks = new Map<number, StoreWaiter>()
  #waiting: (() => void)[] = []
  #busy = false
  #lastId = 0
  #closed: string | null = null

  /** From now on frames may be sent. */
  start(writer: FrameWriter): void {
    this.#writer = writer
    this.#sendWaiting()
  }

  /** Calls and store requests that have not ended, waiting ones included. */
  get pending(): number {
    return this.#calls.size + this.#asks.size + this.#waiting.length
  }

  /** @throws TypeError for a request that no frame can carry: sent all the same it would cost the connection (P18). */
  call(request: CallRequest, events: ClientCallEvents): ClientCall {
    checkRequest(request)
    const call = new ClientCall(events, () => this.#ended(call))
    this.#whenFree(() => {
      const writer = this.#writer
      if (writer === null || call.done) return
      const id = ++this.#lastId
      this.#calls.set(id, call)
      writeCallRequest(writer, id, request)
      call.opened(id, writer)
    })
    return call
  }

  /** Rejects when the connection is gone. */
  store(ask: StoreAsk): Promise<StoreReply> {
    return new Promise((resolve, reject) => {
      this.#whenFree(() => {
        const writer = this.#writer
        if (writer === null) return reject(new Error(this.#closed ?? "the connection is closed"))
        const id = ++this.#lastId
        this.#asks.set(id, { id, resolve, reject })
        writeStoreRequest(writer, id, ask)
      })
    })
  }

  /** A frame of the trusted side. */
  frame(type: number, flags: number, id: number, payload: FramePayload): void {
    if (type === FrameType.storeResponse) return this.#storeReply(id, payload)
    const call = this.#calls.get(id)
    if (call === undefined) return
    if (type === FrameType.callResponse) call.response(flags, payload)
    else if (type === FrameType.callBody) call.body(flags, payload)
    else if (type === FrameType.callCredit) call.credited(readUint32(payload.bytes, payload.start))
    else if (type === FrameType.callDisconnect) call.disconnected(payload)
    else throw violation(`P17: ${frameName(type)} from the trusted side`)
  }

  /** The channel is gone: everything ends. */
  close(reason: string): void {
    this.#closed = reason
    this.#writer = null
    const calls = [...this.#calls.values()]
    const asks = [...this.#asks.values()]
    this.#calls.clear()
    this.#asks.clear()
    for (const ask of asks) ask.reject(new Error(reason))
    for (const call of calls) call.failed("gone", reason)
    this.#sendWaiting()
  }

  #whenFree(open: () => void): void {
    if (this.#closed === null) {
      this.#waiting.push(open)
      if (!this.#busy) {
        this.#busy = true
        this.onBusy?.(true)
      }
      this.#sendWaiting()
    } else open()
  }

  #sendWaiting(): void {
    if (this.#writer === null && this.#closed === null) return
    const waiting = this.#waiting
    let sent = 0
    while (sent < waiting.length && this.#calls.size + this.#asks.size < MAX_OPEN_CALLS) waiting[sent++]?.()
    if (sent > 0) this.#waiting = waiting.slice(sent)
    this.#settle()
  }

  #storeReply(id: number, { bytes, start, end }: FramePayload): void {
    const ask = this.#asks.get(id)
    if (ask === undefined) return
    this.#asks.delete(id)
    // Not by slice: what came may be a Buffer, whose slice is a view.
    ask.resolve({ outcome: bytes[start] ?? 0, bytes: new Uint8Array(bytes.subarray(start + 1, end)) })
    this.#sendWaiting()
  }

  #ended(call: ClientCall): void {
    this.#calls.delete(call.id)
    this.#sendWaiting()
  }

  #settle(): void {
    if (!this.#busy || this.pending > 0) return
    this.#busy = false
    this.onBusy?.(false)
  }
}

function checkRequest({ method, binding, url, lines }: CallRequest): void {
  if (method.length > MAX_CALL_NAME_BYTES || binding.length > MAX_CALL_NAME_BYTES)
    throw new TypeError(`a method of ${method.length} characters`)
  if (!VISIBLE.test(url) || url.length > MAX_CALL_URL_BYTES)
    throw new TypeError(
      `a URL of ${url.length} characters; the longest has ${MAX_CALL_URL_BYTES}, all of ASCII`,
    )
  if (lines.length > MAX_HEADER_BLOCK_BYTES)
    throw new TypeError(`headers of ${lines.length} bytes; the most are ${MAX_HEADER_BLOCK_BYTES}`)
  if (!FIELD_LINES.test(lines)) throw new TypeError("control characters in a header")
}

const VISIBLE = /^[\x21-\x7e]+$/
const FIELD_LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/

function writeCallRequest(writer: FrameWriter, id: number, request: CallRequest): void {
  const { method, binding, url, lines, hasBody, cause } = request
  const length = CALL_REQUEST_FIXED_BYTES + method.length + binding.length + url.length + lines.length
  let at = writer.open(FrameType.callRequest, hasBody ? 0 : FLAG_END, id, length)
  const { slab } = writer
  slab[at] = method.length
  slab[at + 1] = binding.length
  writeUint16(slab, at + 2, url.length)
  writeUint32(slab, at + 4, lines.length)
  writeUint48(slab, at + 8, cause)
  at = writeLatin1(slab, at + CALL_REQUEST_FIXED_BYTES, method)
  at = writeLatin1(slab, at, binding)
  at = writeLatin1(slab, at, url)
  writeLatin1(slab, at, lines)
}

function writeStoreRequest(writer: FrameWriter, id: number, ask: StoreAsk): void {
  const { op, binding, key, value, number } = ask
  const name = encodeText(binding)
  const length = STORE_REQUEST_FIXED_BYTES + name.length + key.length + value.length
  let at = writer.open(FrameType.storeRequest, 0, id, length)
  const { slab } = writer
  slab[at] = StoreOp[op]
  slab[at + 1] = name.length
  writeUint16(slab, at + 2, key.length)
  writeUint32(slab, at + 4, number)
  writeUint32(slab, at + 8, value.length)
  at += STORE_REQUEST_FIXED_BYTES
  slab.set(name, at)
  slab.set(key, at + name.length)
  slab.set(value, at + name.length + key.length)
}
