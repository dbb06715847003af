/**
 * The kinds of instances that are inspected: in `npm test` an old and the newest Node, the newest Deno and Bun, a thread and an
 * isolate; with POLYHOST_TEST_TABLE=full every version. Those of one group are tested side by side, on one host.
 */
import { join } from "node:path"
import { inject } from "vitest"
import { FIXTURES, type TestApp } from "../support/harness.ts"
import type { TableRuntime } from "../support/table.ts"

export interface Kind {
  /** Name of the app too. */
  readonly name: string
  readonly app: TestApp
}

/** What a title says, and the kinds. */
export type KindGroup = readonly [titles: string, kinds: readonly Kind[]]

const RUNTIMES = inject("runtimes")
const IS_FULL = process.env["POLYHOST_TEST_TABLE"] === "full"
const MOST_AT_ONCE = 6
const INSPECTED = join(FIXTURES, "inspected")

export const NODES: readonly Kind[] = versionsOf("node", ["18", "26"])
export const NEWEST_NODE = NODES.at(-1) as Kind
export const DENOS: readonly Kind[] = versionsOf("deno")
export const BUNS: readonly Kind[] = versionsOf("bun")
export const THREAD: Kind = {
  name: "thread",
  app: { ...inspected("server.mjs"), runtime: { name: "thread" } },
}
export const ISOLATE: Kind = {
  name: "isolate",
  app: { ...inspected("fetch.mjs"), runtime: { name: "isolate" } },
}

export function groups(kinds: readonly Kind[]): KindGroup[] {
  const all: KindGroup[] = []
  for (let at = 0; at < kinds.length; at += MOST_AT_ONCE) {
    const group = kinds.slice(at, at + MOST_AT_ONCE)
    all.push([group.map(({ name }) => name).join(", "), group])
  }
  return all
}

/** For a host: the apps by their names. */
export function appsOf(kinds: readonly Kind[], extra: TestApp = {}): Record<string, TestApp> {
  return Object.fromEntries(kinds.map(({ name, app }) => [name, { ...app, ...extra }]))
}

/** @param asked those of the short table; without, the newest */
function versionsOf(runtime: TableRuntime, asked?: readonly string[]): Kind[] {
  const all = RUNTIMES.filter(({ name }) => name === runtime)
  const chosen = asked === undefined ? all.slice(-1) : all.filter((it) => asked.includes(it.asked))
  return (IS_FULL ? all : chosen).map(({ version }) => ({
    name: `${runtime}-${version.replaceAll(".", "-")}`,
    app: { ...inspected("server.mjs"), runtime: `${runtime}@${version}` },
  }))
}

function inspected(entry: string): TestApp {
  return { dir: INSPECTED, entry }
}
