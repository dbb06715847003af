/** What is asked of every target. How it is asked: wrk.ts, h2load.ts. Who is asked: targets.ts. */
import { join } from "node:path"
import { type FileName, fileText } from "./files.ts"
import { HEADERS_20, HEADERS_91 } from "./headers.ts"
import type { AppName } from "./targets.ts"

export type LoadName =
  | "hello"
  | "hello-20"
  | "hello-91"
  | "one"
  | "64k"
  | "upload"
  | "1k-file"
  | "100k-file"
  | "10m-file"
  | "tls"
  | "h2"
  | "h2c"

/** A part of the benchmark that can be run alone. */
export type LoadSection = "apps" | "static" | "http2"

export interface Load {
  /** For `--load`. */
  readonly name: LoadName
  readonly title: string
  readonly section: LoadSection
  readonly app: AppName
  /** Path that is asked for; default: "/". */
  readonly path?: string
  readonly tool: "wrk" | "h2load"
  readonly connections: number
  /** Requests at once on each connection of HTTP/2. */
  readonly streams?: number
  readonly headers: readonly string[]
  /** A Lua script for wrk, where the request is no plain GET. */
  readonly script?: string
  /** One request of the kind and its right answer, asked once of every target before anything is measured. */
  readonly proof: { readonly method: "GET" | "POST"; readonly bodyLength: number; readonly answer: string }
}

const HELLO = {
  section: "apps",
  tool: "wrk",
  app: "hello",
  connections: 64,
  headers: [],
  proof: { method: "GET", bodyLength: 0, answer: "Hello, world!\n" },
} as const

const HTTP2 = { ...HELLO, section: "http2", tool: "h2load", connections: 16, streams: 4 } as const

export const LOADS: readonly Load[] = [
  { ...HELLO, name: "hello", title: "hello, 64 connections" },
  { ...HELLO, name: "hello-20", title: "hello, 64 connections, 20 headers", headers: HEADERS_20 },
  { ...HELLO, name: "hello-91", title: "hello, 64 connections, 91 headers", headers: HEADERS_91 },
  { ...HELLO, name: "one", title: "hello, 1 connection", connections: 1 },
  {
    name: "64k",
    title: "64 KiB response, 64 connections",
    section: "apps",
    tool: "wrk",
    app: "bytes",
    connections: 64,
    headers: [],
    proof: { method: "GET", bodyLength: 0, answer: "x".repeat(65_536) },
  },
  {
    name: "upload",
    title: "1 MiB upload, 16 connections",
    section: "apps",
    tool: "wrk",
    app: "bytes",
    connections: 16,
    headers: [],
    script: join(import.meta.dirname, "upload.lua"),
    proof: { method: "POST", bodyLength: 1_048_576, answer: "1048576" },
  },
  file("1k-file", "1 KiB file, 64 connections", "1k.txt", 64),
  file("100k-file", "100 KiB file, 64 connections", "100k.txt", 64),
  file("10m-file", "10 MiB file, 16 connections", "10m.txt", 16),
  { ...HELLO, section: "http2", app: "hello-tls", name: "tls", title: "TLS, HTTP/1.1 hello, 64 connections" },
  { ...HTTP2, app: "hello-tls", name: "h2", title: "TLS, HTTP/2 hello, 16 connections × 4 streams" },
  { ...HTTP2, app: "hello-h2c", name: "h2c", title: "HTTP/2 hello without TLS, 16 connections × 4 streams" },
]

function file(name: LoadName, title: string, path: FileName, connections: number): Load {
  const proof = { method: "GET", bodyLength: 0, answer: fileText(path) } as const
  return { name, title, section: "static", tool: "wrk", app: "files", path, connections, headers: [], proof }
}
