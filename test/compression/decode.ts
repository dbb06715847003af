/** Bodies as a client reads them. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib"
import type { Answer } from "../support/http-client.ts"

export const CODINGS = ["gzip", "br", "zstd"] as const

export function decoded({ headers, body }: Answer): string {
  switch (headers["content-encoding"]) {
    case "gzip":
      return gunzipSync(body).toString("utf8")
    case "br":
      return brotliDecompressSync(body).toString("utf8")
    case "zstd":
      return zstdDecompressSync(body).toString("utf8")
    case undefined:
      return body.toString("utf8")
    default:
      throw new Error(`content-encoding ${headers["content-encoding"]}`)
  }
}

export interface Said {
  readonly status?: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  readonly times?: number
  readonly chunks?: readonly { readonly text: string; readonly times?: number; readonly rest?: boolean }[]
}

/** Path of an answer that the app `fetch` gives. */
export function say(said: Said): string {
  return `/fetch/say?${encodeURIComponent(JSON.stringify(said))}`
}

export const TEXT = ["content-type", "text/plain"] as const
export const LONG: Said = { headers: [TEXT], body: "long ", times: 1000 }
