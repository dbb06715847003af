/**
 * CallServer: the trusted side of calls. It checks every frame of the caller, which is hostile until proven otherwise,
 * and hands each call and each store request on as a record. What a call means is its handlers'. It is the host's on
 * the main channel of an instance, and the cell's on the egress channel of an isolate. Counterpart: `call-client.ts`.
 */
import {
  type FramePayload,
  FrameType,
  type FrameWriter,
  frameName,
  MAX_OPEN_CALLS,
  readUint32,
  violation,
} from "../frames.ts"
import { StreamSlots } from "../stream-slots.ts"
import { readCallHead, readStoreRequest, type StoreRequest } from "./read-call.ts"
import { ServerCall } from "./server-call.ts"

export interface CallHandlers {
  /** A call: install `call.events` before returning, then answer. */
  call(call: ServerCall): void
  /** Answer once, now or later. */
  store(request: StoreRequest): void
}

export class CallServer {
  readonly #writer: FrameWriter
  readonly #handlers: CallHandlers
  readonly #wrote: () => void
  readonly #calls = new StreamSlots<ServerCall>()
  readonly #asks = new Set<number>()
  #lastId = 0
  /** What may still come on calls that this side ended: the caller had not heard of it when it sent them. */
  #lateBytes = 0
  #closed = false

  /** `wrote` is called after something was written, so that a caller who does not read is found out. */
  constructor(writer: FrameWriter, handlers: CallHandlers, wrote: () => void = () => undefined) {
    this.#writer = writer
    this.#handlers = handlers
    this.#wrote = wrote
  }

  /** Calls and store requests that are open. */
  get size(): number {
    return this.#calls.size + this.#asks.size
  }

  /** @throws PolyhostError PROTOCOL_VIOLATION; the channel is then to be closed. */
  frame(type: number, flags: number, id: number, payload: FramePayload): void {
    if (type === FrameType.callRequest) return this.#request(flags, id, payload)
    if (type === FrameType.storeRequest) return this.#store(id, payload)
    if (type !== FrameType.callBody && type !== FrameType.callCredit && type !== FrameType.callDisconnect)
      throw violation(`P5: ${frameName(type)} from the guest`)
    const call = this.#calls.get(id)
    if (call === undefined) return this.#late(type, id, payload.end - payload.start)
    if (type === FrameType.callBody) return call.requestBody(flags, payload)
    if (type === FrameType.callCredit) {
      // P20
      if (payload.end - payload.start !== 4) throw violation("P20: call.credit without its four bytes")
      return call.credited(readUint32(payload.bytes, payload.start))
    }
    // P21
    if (payload.end - payload.start !== 1) throw violation("P21: call.disconnect without its one byte")
    call.left()
  }

  /** The channel is gone: the handlers are told that nobody waits for their answers. */
  close(): void {
    this.#closed = true
    this.#asks.clear()
    for (const call of this.#calls.takeAll()) call.left()
  }

  #request(flags: number, id: number, payload: FramePayload): void {
    this.#open(id, "call.request")
    const head = readCallHead(flags, payload)
    const call = new ServerCall(id, head, this.#writer, {
      ended: (lateBytes) => {
        if (this.#calls.delete(id)) this.#lateBytes += lateBytes
      },
      wrote: this.#wrote,
    })
    this.#calls.add(call)
    this.#handlers.call(call)
  }

  #store(id: number, payload: FramePayload): void {
    this.#open(id, "store.request")
    const record = readStoreRequest(payload)
    this.#asks.add(id)
    this.#handlers.store({
      ...record,
      answer: (outcome, bytes) => {
        if (!this.#asks.delete(id) || this.#closed) return
        const at = this.#writer.open(FrameType.storeResponse, 0, id, 1 + bytes.length)
        this.#writer.slab[at] = outcome
        this.#writer.slab.set(bytes, at + 1)
        this.#wrote()
      },
    })
  }

  #open(id: number, name: string): void {
    // P17
    if (id <= this.#lastId) throw violation(`P17: ${name} ${id} after ${this.#lastId}`)
    if (this.size >= MAX_OPEN_CALLS) throw violation(`P17: more than ${MAX_OPEN_CALLS} calls at once`)
    this.#lastId = id
  }

  #late(type: number, id: number, bytes: number): void {
    // P17
    if (id === 0 || id > this.#lastId) throw violation(`P17: ${frameName(type)} on call ${id}, never opened`)
    this.#lateBytes -= type === FrameType.callBody && bytes > 0 ? bytes : 1
    if (this.#lateBytes < 0) throw violation(`P17: ${frameName(type)} on call ${id}, which has ended`)
  }
}
