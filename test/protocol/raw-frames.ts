/** Frames as bytes, right and wrong ones, for tests that speak for one side. */
import { FLAG_END, FLAG_TEXT, FrameType, HEADER_BYTES } from "../../protocol/frames.ts"
import { HELLO, WELCOME } from "./pair.ts"

export interface RawFrame {
  type: number
  flags: number
  stream: number
  payload: Uint8Array
  /** The length in the header, when it lies. */
  length?: number
}

export function raw(type: number, stream: number, payload: Uint8Array | number[] = [], flags = 0): RawFrame {
  return { type, flags, stream, payload: Uint8Array.from(payload) }
}

export function encodeRaw({ type, flags, stream, payload, length }: RawFrame): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length)
  bytes.writeUInt32BE((length ?? payload.length) >>> 0, 0)
  bytes[4] = type
  bytes[5] = flags
  bytes.writeUIntBE(stream % 2 ** 48, 6, 6)
  bytes.set(payload, HEADER_BYTES)
  return bytes
}

export function json(type: number, message: unknown, stream = 0): RawFrame {
  return raw(type, stream, Buffer.from(JSON.stringify(message)))
}

export const hello = (): RawFrame => json(FrameType.hello, HELLO)
export const welcome = (): RawFrame => json(FrameType.welcome, WELCOME)
export const started = (): RawFrame => json(FrameType.startupComplete, { interface: "fetch" })
export const startedWithSockets = (): RawFrame =>
  json(FrameType.startupComplete, { interface: "fetch", websocket: true })
export const startFailed = (): RawFrame => json(FrameType.startupFailed, { code: "X", message: "it failed" })
export const shutdown = (): RawFrame => json(FrameType.shutdown, { reason: "stop", graceMs: 1 })
export const shutdownComplete = (): RawFrame => json(FrameType.shutdownComplete, {})
export const log = (message = "hello"): RawFrame => json(FrameType.log, { level: "info", message })

export function request(stream: number, lines = "", end = true): RawFrame {
  const head = Buffer.alloc(12)
  head[0] = 3
  head.writeUInt16BE(1, 2)
  head.writeUInt32BE(lines.length, 8)
  const payload = Buffer.concat([head, Buffer.from("GET/"), Buffer.from(lines, "latin1")])
  return raw(FrameType.request, stream, payload, end ? FLAG_END : 0)
}

export function connect(stream: number, lines = ""): RawFrame {
  return { ...request(stream, lines, false), type: FrameType.socketConnect }
}

export function accept(stream: number, options: { subprotocol?: string; lines?: string } = {}): RawFrame {
  const { subprotocol = "", lines = "" } = options
  const head = Buffer.alloc(6)
  head.writeUInt16BE(subprotocol.length, 0)
  head.writeUInt32BE(lines.length, 2)
  return raw(
    FrameType.socketAccept,
    stream,
    Buffer.concat([head, Buffer.from(subprotocol + lines, "latin1")]),
  )
}

export function message(
  stream: number,
  bytes: number,
  { end = true, text = false }: { end?: boolean; text?: boolean } = {},
): RawFrame {
  const flags = (end ? FLAG_END : 0) | (text ? FLAG_TEXT : 0)
  return raw(FrameType.socketMessage, stream, new Uint8Array(bytes).fill(120), flags)
}

export function close(stream: number, code = 1000, reason = ""): RawFrame {
  return raw(FrameType.socketClose, stream, [code >> 8, code & 255, ...Buffer.from(reason)])
}

export function response(stream: number, options: ResponseOptions = {}): RawFrame {
  const { status = 200, lines = "content-type: text/plain\r\n", body = 0, end = false } = options
  const head = Buffer.alloc(8)
  head.writeUInt16BE(status, 0)
  head.writeUInt32BE(lines.length, 4)
  const payload = Buffer.concat([head, Buffer.from(lines, "latin1"), new Uint8Array(body)])
  return raw(FrameType.response, stream, payload, end ? FLAG_END : 0)
}

export interface ResponseOptions {
  readonly status?: number
  readonly lines?: string
  readonly body?: number
  readonly end?: boolean
}

export function body(stream: number, bytes: number, end = false): RawFrame {
  return raw(FrameType.body, stream, new Uint8Array(bytes), end ? FLAG_END : 0)
}

export function credit(stream: number, bytes: number): RawFrame {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return raw(FrameType.credit, stream, payload)
}

export function disconnect(stream: number, reason = 1): RawFrame {
  return raw(FrameType.disconnect, stream, [reason])
}

export const output = (bytes: number, stream = 1): RawFrame =>
  raw(FrameType.output, 0, [stream, ...new Uint8Array(bytes).fill(120)])

export interface CallOptions {
  readonly method?: string
  readonly binding?: string
  readonly url?: string
  readonly lines?: string
  readonly cause?: number
  readonly end?: boolean
}

export function call(id: number, options: CallOptions = {}): RawFrame {
  const {
    method = "GET",
    binding = "AUTH",
    url = "http://auth/",
    lines = "",
    cause = 0,
    end = true,
  } = options
  const head = Buffer.alloc(14)
  head[0] = method.length
  head[1] = binding.length
  head.writeUInt16BE(url.length, 2)
  head.writeUInt32BE(lines.length, 4)
  head.writeUIntBE(cause, 8, 6)
  const payload = Buffer.concat([head, Buffer.from(method + binding + url + lines, "latin1")])
  return raw(FrameType.callRequest, id, payload, end ? FLAG_END : 0)
}

/** The same frame with the type of its counterpart among calls. */
export function ofCall(frame: RawFrame): RawFrame {
  const types = new Map<number, number>([
    [FrameType.response, FrameType.callResponse],
    [FrameType.body, FrameType.callBody],
    [FrameType.credit, FrameType.callCredit],
    [FrameType.disconnect, FrameType.callDisconnect],
  ])
  return { ...frame, type: types.get(frame.type) ?? frame.type }
}

export interface StoreOptions {
  readonly op?: number
  readonly binding?: string
  readonly key?: number
  readonly value?: number
  readonly number?: number
}

export function store(id: number, options: StoreOptions = {}): RawFrame {
  const { op = 1, binding = "STORE", key = 3, value = 0, number = 0 } = options
  const head = Buffer.alloc(12)
  head[0] = op
  head[1] = binding.length
  head.writeUInt16BE(key, 2)
  head.writeUInt32BE(number, 4)
  head.writeUInt32BE(value, 8)
  const rest = new Uint8Array(key + value).fill(107)
  return raw(FrameType.storeRequest, id, Buffer.concat([head, Buffer.from(binding), rest]))
}

export const stored = (id: number): RawFrame => raw(FrameType.storeResponse, id, [1])
