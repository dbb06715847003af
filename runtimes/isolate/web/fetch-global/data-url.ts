/** The data: URL processor of the fetch standard. */
import { decodeForgiving } from "../base64.ts"
import { parseMimeType, serializeMimeType } from "../fetch/header-list.ts"

export interface DataUrl {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** `url` has no fragment. Null: malformed. */
export function readDataUrl(url: string): DataUrl | null {
  const comma = url.indexOf(",")
  if (comma === -1) return null
  let type = url.slice("data:".length, comma).replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "")
  let bytes = percentDecode(url.slice(comma + 1))
  const marker = /; *base64$/i.exec(type)
  if (marker !== null) {
    const decoded = decodeForgiving(isomorphic(bytes))
    if (decoded === null) return null
    bytes = decoded
    type = type.slice(0, marker.index)
  }
  const parsed = parseMimeType(type.startsWith(";") ? `text/plain${type}` : type)
  return { type: parsed === null ? "text/plain;charset=US-ASCII" : serializeMimeType(parsed), bytes }
}

/** `text` is ASCII, as the URL standard writes URLs. */
function percentDecode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === "%" ? /^[0-9a-f]{2}/i.exec(text.slice(at + 1, at + 3)) : null
    bytes[length++] = hex === null ? text.charCodeAt(at) : Number.parseInt(hex[0], 16)
    if (hex !== null) at += 2
  }
  return bytes.slice(0, length)
}

function isomorphic(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
