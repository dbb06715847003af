/** Builds requests of the suite as the exact bytes that are sent. */
import type { Field } from "./raw-client.ts"

export interface RequestParts {
  readonly method?: string
  readonly target?: string
  readonly version?: "1.0" | "1.1"
  /** Lines after Host. */
  readonly fields?: readonly Field[]
  /** Sent with its length. */
  readonly body?: string | Uint8Array
  /** Sent chunked. */
  readonly chunks?: readonly (string | Uint8Array)[]
  readonly trailers?: readonly Field[]
}

/** The whole of a request; Latin-1. */
export function requestBytes(host: string, parts: RequestParts): Buffer {
  const { method = "GET", target = "/", version = "1.1", fields = [], body, chunks, trailers = [] } = parts
  const lines = [`${method} ${target} HTTP/${version}`, `Host: ${host}`]
  for (const [name, value] of fields) lines.push(`${name}: ${value}`)
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.from(body).length}`)
  if (chunks !== undefined) lines.push("Transfer-Encoding: chunked")
  const all: Buffer[] = [Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")]
  if (body !== undefined) all.push(Buffer.from(body))
  if (chunks !== undefined) {
    for (const chunk of chunks) all.push(chunkBytes(chunk))
    const end = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    all.push(Buffer.from(`0\r\n${end}\r\n`, "latin1"))
  }
  return Buffer.concat(all)
}

export function chunkBytes(chunk: string | Uint8Array, extension = ""): Buffer {
  const data = Buffer.from(chunk)
  return Buffer.concat([
    Buffer.from(`${data.length.toString(16)}${extension}\r\n`, "latin1"),
    data,
    Buffer.from("\r\n"),
  ])
}

/** `/do/NAME?…` of the conformance apps. */
export function doing(name: string, query: Record<string, string | number | readonly string[]> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) search.append(key, String(one))
  }
  const text = search.toString()
  return `/do/${name}${text === "" ? "" : `?${text}`}`
}
