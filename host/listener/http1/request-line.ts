/** The request line: what of it is well-formed and what this host serves (RFC 9112 3). */
import { METHODS } from "node:http"

/** Methods that are passed on. `CONNECT` asks for a proxy, which this is not. */
const SERVED: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== "CONNECT"))
export const LONGEST_METHOD = 32

/** `GET` and `POST` are told by their bytes: most requests need no string of their own. */
export function methodOf(bytes: Buffer, start: number, end: number): string {
  if (end - start === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84)
    return "GET"
  return bytes.toString("latin1", start, end)
}

export function isServed(method: string): boolean {
  return method === "GET" || SERVED.has(method)
}

/** Bytes of `HTTP/1.1` and the line end. */
export const VERSION_BYTES = 10

/** The minor version of HTTP/1, -1 for another version of HTTP, -2 for what is none. `bytes` holds VERSION_BYTES at `at`. */
export function readVersion(bytes: Uint8Array, at: number): 0 | 1 | -1 | -2 {
  const isHttp =
    bytes[at] === 72 &&
    bytes[at + 1] === 84 &&
    bytes[at + 2] === 84 &&
    bytes[at + 3] === 80 &&
    bytes[at + 4] === 47
  if (!isHttp || bytes[at + 6] !== 46 || bytes[at + 8] !== 13 || bytes[at + 9] !== 10) return -2
  const major = bytes[at + 5]! - 48
  const minor = bytes[at + 7]! - 48
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return -2
  if (major !== 1 || minor > 1) return -1
  return minor === 1 ? 1 : 0
}

/** Authority and path of a target in absolute form (RFC 9112 3.2.2), or null when it is not one. */
export function readAbsoluteTarget(target: string): { authority: string; origin: string } | null {
  const parts = /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (parts === null) return null
  const rest = parts[2] as string
  return { authority: parts[1] as string, origin: rest === "" || rest.startsWith("/") ? rest : `/${rest}` }
}
