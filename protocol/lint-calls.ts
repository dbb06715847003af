/**
 * The rules of what a guest asks of its host: output, calls, store requests. Part of the lint (`lint.ts`), which
 * hands their frames on; the specification is read from both. Halves of calls are judged from the same order of frames.
 */
import {
  CALL_REQUEST_FIXED_BYTES,
  CALL_RESPONSE_FIXED_BYTES,
  MAX_CURSOR_BYTES,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  STORE_REQUEST_FIXED_BYTES,
  StoreOp,
} from "./calls/call-frames.ts"
import {
  CALL_WINDOW_BYTES,
  FLAG_END,
  type FramePayload,
  FrameType,
  frameName,
  MAX_ABORT_MESSAGE_BYTES,
  MAX_CHUNK_BYTES,
  MAX_HEADER_BLOCK_BYTES,
  MAX_OPEN_CALLS,
  readUint16,
  readUint32,
} from "./frames.ts"
import { isFieldText, isHeaderBlock, isToken, isVisibleText } from "./header-block.ts"
import type { Frame, Half, OnBroken, Side } from "./lint-types.ts"

interface CallRecord {
  readonly isStore: boolean
  started: boolean
  readonly host: Half
  readonly guest: Half
}

export class CallConversation {
  readonly #broken: OnBroken
  readonly #calls = new Map<number, CallRecord>()
  #lastId = 0
  #open = 0

  constructor(onBroken: OnBroken) {
    this.#broken = onBroken
  }

  /** Calls and store requests without their end. */
  get open(): number {
    return this.#open
  }

  output({ bytes, start, end }: FramePayload): void {
    // P16 output is a piece of what the app prints, in UTF-8, cut anywhere: u8 1 stdout or 2 stderr, then 1 byte to
    // 64 KiB. It is read at a bounded rate; of a flood the host drops what is over, and says how much.
    const bytesOfOutput = end - start - 1
    const stream = bytes[start]
    if (bytesOfOutput < 1 || bytesOfOutput > MAX_CHUNK_BYTES || (stream !== 1 && stream !== 2))
      this.#broken("P16", "a malformed output")
  }

  frame(sender: Side, frame: Frame): void {
    const { type, id } = frame
    const name = frameName(type)
    if (type === FrameType.callRequest || type === FrameType.storeRequest) return this.#request(frame, name)
    // P17 The guest opens calls from welcome on, each by one call.request or store.request. Their ids are from 1, each
    // above all earlier ones, and have nothing to do with those of http streams. At most 256 are open at once. A frame
    // on a call that was never opened breaks the rules; one that crossed the end of its call on the way is dropped.
    const call = this.#calls.get(id)
    if (call === undefined) return this.#broken("P17", `${name} on call ${id}, never opened`)
    if (call.isStore !== (type === FrameType.storeResponse))
      return this.#broken("P22", `${name} on call ${id}`)
    if (type === FrameType.storeResponse) return this.#storeResponse(call)
    // P21 call.disconnect ends the call at once for its sender, who sends nothing on it afterwards; the other side gives
    // up what it does for it. Payload: u8 reason, from the host a message of at most 8 KiB after it.
    if (call[sender].disconnected) return this.#broken("P21", `${name} after call.disconnect`)
    if (call.host.ended && sender === "host") return this.#broken("P19", `${name} after END`)
    if (type === FrameType.callResponse) return this.#response(call, frame)
    if (type === FrameType.callBody) return this.#body(sender, call, frame)
    if (type === FrameType.callCredit) return this.#credit(sender, call, frame.payload)
    this.#disconnect(sender, call, frame.payload)
  }

  #request({ type, flags, id, payload }: Frame, name: string): void {
    if (id <= this.#lastId) return this.#broken("P17", `${name} ${id} after ${this.#lastId}`)
    this.#lastId = id
    if (++this.#open > MAX_OPEN_CALLS) this.#broken("P17", `${this.#open} calls at once`)
    const isStore = type === FrameType.storeRequest
    const host = { window: CALL_WINDOW_BYTES, ended: false, disconnected: false }
    const guest = { window: CALL_WINDOW_BYTES, ended: (flags & FLAG_END) !== 0, disconnected: false }
    this.#calls.set(id, { isStore, started: false, host, guest })
    if (isStore) this.#storeRequest(payload)
    else this.#callRequest(payload)
  }

  #callRequest({ bytes, start, end }: FramePayload): void {
    // P18 The lengths in call.request add up to its payload. It has a method, which is a token, a binding and a URL of
    // visible ASCII, and a header block as in P14.
    if (end - start < CALL_REQUEST_FIXED_BYTES) return this.#broken("P18", "a truncated call.request")
    const methodAt = start + CALL_REQUEST_FIXED_BYTES
    const bindingAt = methodAt + bytes[start]!
    const linesAt = bindingAt + bytes[start + 1]! + readUint16(bytes, start + 2)
    if (linesAt + readUint32(bytes, start + 4) !== end)
      return this.#broken("P18", "a call.request whose lengths do not add up")
    if (!isToken(bytes, methodAt, bindingAt) || !isVisibleText(bytes, bindingAt, linesAt))
      this.#broken("P18", "a method, binding or URL that is none")
    if (end - linesAt > MAX_HEADER_BLOCK_BYTES || !isHeaderBlock(bytes, linesAt, end))
      this.#broken("P18", "a malformed header block")
  }

  #response(call: CallRecord, { flags, payload: { bytes, start, end } }: Frame): void {
    // P19 The answer to a call is one call.response, as http.response.start in P7 and P14, and then call.body frames. END
    // ends its sender's half; the host's END ends the call, and the guest may drop what is left of the request. A
    // call.body without END is not empty.
    if (call.started) return this.#broken("P19", "a second call.response")
    call.started = true
    if ((flags & FLAG_END) !== 0) this.#end(call, "host")
    const reasonAt = start + CALL_RESPONSE_FIXED_BYTES
    if (end < reasonAt) return this.#broken("P19", "a malformed call.response")
    const linesAt = reasonAt + readUint16(bytes, start + 2)
    const bodyAt = linesAt + readUint32(bytes, start + 4)
    const status = readUint16(bytes, start)
    if (bodyAt > end || status < 200 || status > 599) return this.#broken("P19", `status ${status}`)
    if (!isFieldText(bytes, reasonAt, linesAt) || !isHeaderBlock(bytes, linesAt, bodyAt))
      this.#broken("P19", "a malformed head in call.response")
    this.#spend(call.host, end - bodyAt)
  }

  #body(sender: Side, call: CallRecord, { flags, payload }: Frame): void {
    const bytes = payload.end - payload.start
    const last = (flags & FLAG_END) !== 0
    if (call[sender].ended) this.#broken("P19", "call.body after END")
    if (bytes === 0 && !last) this.#broken("P19", "an empty call.body without END")
    if (sender === "host" && !call.started) this.#broken("P19", "call.body before call.response")
    if (last) this.#end(call, sender)
    this.#spend(call[sender], bytes)
  }

  #spend(half: Half, bytes: number): void {
    // P20 Calls have credit as streams have in P8, by call.credit, with a window of 64 KiB each way.
    half.window -= bytes
    if (half.window < 0) this.#broken("P20", `${-half.window} body bytes without credit`)
  }

  #credit(sender: Side, call: CallRecord, { bytes, start, end }: FramePayload): void {
    if (end - start !== 4) return this.#broken("P20", "call.credit without its four bytes")
    const credit = readUint32(bytes, start)
    const half = sender === "host" ? call.guest : call.host
    half.window += credit
    if (credit === 0 || half.window > CALL_WINDOW_BYTES)
      this.#broken("P20", `credit of ${credit}, not sent before`)
  }

  #disconnect(sender: Side, call: CallRecord, payload: FramePayload): void {
    const over = isOver(call)
    call[sender].disconnected = true
    if (!over) this.#open--
    const bytes = payload.end - payload.start
    const most = sender === "guest" ? 1 : 1 + MAX_ABORT_MESSAGE_BYTES
    if (bytes < 1 || bytes > most) this.#broken("P21", `call.disconnect of ${bytes} bytes`)
  }

  #storeRequest({ bytes, start, end }: FramePayload): void {
    // P22 A store.request is whole, and is answered by one store.response. Its lengths add up; its binding is visible ASCII, the key is at most 512
    // bytes, the value of a put 128 KiB, the cursor of a list 1024 bytes; get and delete have no value.
    if (end - start < STORE_REQUEST_FIXED_BYTES) return this.#broken("P22", "a truncated store.request")
    const op = bytes[start]!
    const keyBytes = readUint16(bytes, start + 2)
    const valueBytes = readUint32(bytes, start + 8)
    const nameBytes = bytes[start + 1]!
    if (start + STORE_REQUEST_FIXED_BYTES + nameBytes + keyBytes + valueBytes !== end)
      return this.#broken("P22", "a store.request whose lengths do not add up")
    const most = op === StoreOp.put ? MAX_VALUE_BYTES : op === StoreOp.list ? MAX_CURSOR_BYTES : 0
    const nameAt = start + STORE_REQUEST_FIXED_BYTES
    if (!isVisibleText(bytes, nameAt, nameAt + nameBytes)) this.#broken("P22", "a binding that is none")
    if (op < StoreOp.get || op > StoreOp.list || keyBytes > MAX_KEY_BYTES || valueBytes > most)
      this.#broken("P22", `a malformed store.request, operation ${op}`)
  }

  #storeResponse(call: CallRecord): void {
    if (call.host.ended) return this.#broken("P22", "a second store.response")
    this.#end(call, "host")
  }

  #end(call: CallRecord, sender: Side): void {
    if (sender === "host" && !isOver(call)) this.#open--
    call[sender].ended = true
  }
}

function isOver({ host, guest }: CallRecord): boolean {
  return host.ended || host.disconnected || guest.disconnected
}
