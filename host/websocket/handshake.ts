/**
 * The opening handshake (RFC 6455 4.2): what of the client's is wrong, and which lines the answer has. Accept key, extensions and
 * subprotocol lines are those of `ws`; who may connect (Origin, cookies) is the app's business.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { Exchange } from "../../protocol/exchange.ts"

export interface Problem {
  readonly status: 400 | 426
  readonly detail: string
}

export interface Handshake {
  /** Lower-case names of the request's Sec-WebSocket-… lines, and `upgrade`. */
  readonly fields: IncomingHttpHeaders
  readonly protocols: readonly string[]
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/
/** What the app has no say in. */
const HOSTS_OWN =
  /^(?:sec-websocket-(?:accept|extensions|protocol|version|key)|connection|upgrade|content-length|transfer-encoding)$/i

/** @returns null when the request may be accepted. */
export function handshakeProblem(exchange: Exchange): Problem | null {
  if (exchange.head.method !== "GET") return malformed("its method is not GET")
  const { fields, protocols } = readHandshake(exchange)
  const version = fields["sec-websocket-version"]
  if (version === undefined) return malformed("it has no Sec-WebSocket-Version")
  if (version !== "13") return { status: 426, detail: "Sec-WebSocket-Version is not 13" }
  const key = fields["sec-websocket-key"]
  if (key === undefined || !KEY.test(key)) return malformed("Sec-WebSocket-Key is missing or malformed")
  if (!protocols.every((it) => TOKEN.test(it)) || new Set(protocols).size !== protocols.length)
    return malformed("Sec-WebSocket-Protocol is malformed")
  return null
}

export function readHandshake(exchange: Exchange): Handshake {
  const { head } = exchange
  const bytes = Buffer.allocUnsafe(head.headerBytes)
  const text = bytes.toString("latin1", 0, head.writeHeaders(bytes, 0))
  const fields: IncomingHttpHeaders = { upgrade: "websocket" }
  for (const line of text.split("\r\n")) {
    if (!/^sec-websocket-/i.test(line)) continue
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const before = fields[name]
    const value = line.slice(colon + 1).trim()
    fields[name] = before === undefined ? value : `${before}, ${value}`
  }
  const offered = fields["sec-websocket-protocol"]
  return { fields, protocols: offered === undefined ? [] : offered.split(",").map((it) => it.trim()) }
}

/** Answers a handshake that is none. */
export function refuse(exchange: Exchange, { status, detail }: Problem): void {
  if (status === 400) {
    exchange.fail("BAD_REQUEST", `WebSocket handshake: ${detail}`)
    return
  }
  const body = Buffer.from(
    JSON.stringify({
      type: "about:blank",
      title: "This version of WebSocket is not supported",
      status,
      requestId: exchange.requestId,
    }),
  )
  const lines =
    "Sec-WebSocket-Version: 13\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
  exchange.respond({ status, reason: "Upgrade Required", lines: Buffer.from(lines, "latin1") }, body, true)
}

/** Header lines of the 101: those that `ws` wrote and those of the app. */
export function answerLines(written: string, app: Uint8Array): Buffer {
  const own = linesOf(written).filter((line) => /^sec-websocket-/i.test(line))
  const apps = linesOf(Buffer.from(app.buffer, app.byteOffset, app.length).toString("latin1")).filter(
    (line) => !HOSTS_OWN.test(line.slice(0, Math.max(0, line.indexOf(":"))).trim()),
  )
  return Buffer.from([...own, ...apps].map((line) => `${line}\r\n`).join(""), "latin1")
}

function linesOf(text: string): string[] {
  return text.split("\r\n").filter((line) => line !== "")
}

function malformed(detail: string): Problem {
  return { status: 400, detail }
}
