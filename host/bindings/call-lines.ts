/** The header lines of a call, as another app may see them: what belongs to a connection or is the host's to say goes. */
import { readLatin1 } from "../../protocol/bytes.ts"

export interface CallLines {
  readonly lines: string
  /** As RequestHead.bodyBytes. */
  readonly bodyBytes: number
}

/** What the host itself says, and what belongs to a connection (RFC 9110 7.6.1). */
const DROPPED =
  /^(?:host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect|forwarded|x-forwarded-.*|x-request-id|x-real-ip|x-sendfile|x-sendfile-type|x-accel-redirect|x-accel-mapping)$/

/** `block` is valid header lines. Null when its Content-Length is not one. */
export function readCallLines(block: Uint8Array, hasBody: boolean): CallLines | null {
  const nominated = new Set<string>()
  const kept: [string, string][] = []
  let length: string | null = null
  for (const line of readLatin1(block, 0, block.length).split("\r\n")) {
    const colon = line.indexOf(":")
    if (colon < 0) continue
    // An app behind WSGI or CGI cannot tell the two apart.
    const name = line.slice(0, colon).toLowerCase().replaceAll("_", "-")
    const value = line.slice(colon + 1).trim()
    if (name === "content-length") {
      if (length !== null && length !== value) return null
      length = value
    } else if (name === "connection") {
      for (const it of value.split(",")) nominated.add(it.trim().toLowerCase())
    } else if (!DROPPED.test(name)) kept.push([name, `${line.slice(0, colon)}: ${value}\r\n`])
  }
  if (length !== null && !/^\d{1,15}$/.test(length)) return null
  let lines = ""
  for (const [name, line] of kept) if (!nominated.has(name)) lines += line
  // Without a body there is none to be as long as a forwarded head says.
  if (!hasBody) return { lines, bodyBytes: 0 }
  if (length === null) return { lines, bodyBytes: -1 }
  return { lines: `${lines}Content-Length: ${length}\r\n`, bodyBytes: Number(length) }
}
