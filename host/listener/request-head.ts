/**
 * Makes the record of a request from what `node:http` parsed: routing facts, and the block of header lines for the app:
 * hop-by-hop lines dropped, the client's forwarded lines replaced by the host's own.
 */
import type { IncomingMessage } from "node:http"
import { requestHeaderKind } from "./header-names.ts"

export interface ScannedRequest {
  /** Header lines `Name: value\r\n` that pass, without the forwarded ones. */
  readonly lines: string
  readonly host: string
  readonly hostName: string
  /** Origin form, or `*`. */
  readonly target: string
  readonly path: string
  readonly bodyBytes: number
}

/** A DNS name is at most 253 characters long. */
const MAX_HOST = 300
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/

/** @returns null when the request is malformed (400). */
export function scanRequest(message: IncomingMessage): ScannedRequest | null {
  const raw = message.rawHeaders
  let lines = ""
  let host: string | undefined
  let hop: Set<string> | undefined
  let bodyBytes = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    switch (requestHeaderKind(name)) {
      case "pass":
        lines += `${name}: ${value}\r\n`
        break
      case "host":
        // RFC 9112 3.2: more than one Host is a bad request.
        if (host !== undefined) return null
        host = value
        // An empty one says nothing: the app is told the host's own name for it.
        if (value !== "") lines += `${name}: ${value}\r\n`
        break
      case "content-length":
        bodyBytes = Number(value)
        lines += `${name}: ${value}\r\n`
        break
      case "transfer-encoding":
        // RFC 9112 6.3: without a final chunked nobody knows where the body ends.
        if (!/(?:^|,)[ \t]*chunked[ \t]*$/i.test(value)) return null
        bodyBytes = -1
        break
      case "connection":
        hop = addHopByHop(hop, value)
        break
      default:
        break
    }
  }
  if (hop !== undefined) lines = withoutLines(lines, hop)
  let target = message.url ?? "/"
  if (!target.startsWith("/")) {
    if (target !== "*") {
      // RFC 9112 3.2.2: the authority of an absolute form replaces Host.
      const absolute = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(target)
      if (absolute === null || absolute[1] === "") return null
      host = absolute[1] as string
      const rest = absolute[2] as string
      target = rest.startsWith("/") ? rest : `/${rest}`
      lines = `Host: ${host}\r\n${withoutLines(lines, new Set(["host"]))}`
    }
  }
  host ??= ""
  if (host !== "" && (host.length > MAX_HOST || !HOST.test(host))) return null
  const query = target.indexOf("?")
  return {
    lines,
    host,
    hostName: hostNameOf(host),
    target,
    path: query === -1 ? target : target.slice(0, query),
    bodyBytes,
  }
}

function hostNameOf(host: string): string {
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":")
  const name = (end <= 0 ? host : host.slice(0, end)).toLowerCase()
  return name.endsWith(".") ? name.slice(0, -1) : name
}

/** Fields that Connection names are hop-by-hop too, but those that the request's meaning depends on. */
function addHopByHop(names: Set<string> | undefined, value: string): Set<string> | undefined {
  let all = names
  for (const part of value.split(",")) {
    const name = part.trim().toLowerCase()
    if (name === "" || name === "keep-alive" || name === "close" || name === "upgrade" || name === "te")
      continue
    if (name === "host" || name === "content-length") continue
    all ??= new Set()
    all.add(name)
  }
  return all
}

function withoutLines(lines: string, names: ReadonlySet<string>): string {
  return lines
    .split("\r\n")
    .filter((line) => line !== "" && !names.has(line.slice(0, line.indexOf(":")).toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join("")
}
