/** The columns of the table: a runtime, and the way in which the app on it is called. */
import type { TableRuntime } from "../support/table.ts"

/** How the app is called: by the guest's fetch interface, or as an unmodified server of that API. */
export type Api = "fetch" | "node:http" | "Bun.serve" | "Deno.serve"

export interface Column {
  /** `node26-http`: the app's name, and its host name with `.example`. */
  readonly id: string
  readonly runtime: TableRuntime
  readonly asked: string
  readonly api: Api
  readonly entry: string
  /** Among the few that `npm test` runs. */
  readonly short: boolean
}

const ENTRIES: Readonly<Record<Api, string>> = {
  fetch: "fetch.mjs",
  "node:http": "node.mjs",
  "Bun.serve": "bun-serve.mjs",
  "Deno.serve": "deno-serve.mjs",
}

function column(runtime: TableRuntime, asked: string, api: Api, short = false): Column {
  const name = api === "fetch" ? "fetch" : api === "node:http" ? "http" : "serve"
  return {
    id: `${runtime}${asked.replace(".", "-")}-${name}`,
    runtime,
    asked,
    api,
    entry: ENTRIES[api],
    short,
  }
}

export const COLUMNS: readonly Column[] = [
  column("node", "18", "fetch"),
  column("node", "26", "fetch", true),
  column("node", "14", "node:http", true),
  column("node", "18", "node:http"),
  column("node", "26", "node:http", true),
  column("bun", "1.4", "fetch", true),
  column("bun", "1.4", "Bun.serve"),
  column("bun", "1.4", "node:http"),
  column("deno", "2.9", "fetch", true),
  column("deno", "2.9", "Deno.serve"),
  column("deno", "2.9", "node:http"),
]

export function titleOf({ runtime, asked, api }: Column): string {
  return `${runtime}@${asked} ${api}`
}
