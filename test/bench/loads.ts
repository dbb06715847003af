/** What is asked of every target. How it is asked: wrk.ts. Who is asked: targets.ts. */
import { join } from "node:path"
import { HEADERS_20, HEADERS_91 } from "./headers.ts"
import type { AppName } from "./targets.ts"

export type LoadName = "hello" | "hello-20" | "hello-91" | "one" | "64k" | "upload"

export interface Load {
  /** For `--load`. */
  readonly name: LoadName
  readonly title: string
  readonly app: AppName
  readonly connections: number
  readonly headers: readonly string[]
  /** A Lua script for wrk, where the request is no plain GET. */
  readonly script?: string
  /** One request of the kind and its right answer, asked once of every target before anything is measured. */
  readonly proof: { readonly method: "GET" | "POST"; readonly bodyLength: number; readonly answer: string }
}

const HELLO = {
  app: "hello",
  connections: 64,
  headers: [],
  proof: { method: "GET", bodyLength: 0, answer: "Hello, world!\n" },
} as const

export const LOADS: readonly Load[] = [
  { ...HELLO, name: "hello", title: "hello, 64 connections" },
  { ...HELLO, name: "hello-20", title: "hello, 64 connections, 20 headers", headers: HEADERS_20 },
  { ...HELLO, name: "hello-91", title: "hello, 64 connections, 91 headers", headers: HEADERS_91 },
  { ...HELLO, name: "one", title: "hello, 1 connection", connections: 1 },
  {
    name: "64k",
    title: "64 KiB response, 64 connections",
    app: "bytes",
    connections: 64,
    headers: [],
    proof: { method: "GET", bodyLength: 0, answer: "x".repeat(65_536) },
  },
  {
    name: "upload",
    title: "1 MiB upload, 16 connections",
    app: "bytes",
    connections: 16,
    headers: [],
    script: join(import.meta.dirname, "upload.lua"),
    proof: { method: "POST", bodyLength: 1_048_576, answer: "1048576" },
  },
]
