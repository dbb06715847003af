/**
 * The runtimes and versions that suites run over. `npm test` takes the short table: the oldest and the newest of each
 * kind and what lies at a border; `npm run test:table` all of them.
 */
export type TableRuntime = "node" | "bun" | "deno"

const SHORT: Readonly<Record<TableRuntime, readonly string[]>> = {
  node: ["14", "18", "22", "26"],
  bun: ["1.2", "1.4"],
  deno: ["2.3", "2.9"],
}

const FULL: typeof SHORT = {
  node: ["14", "16", "18", "20", "22", "24", "26"],
  bun: ["1.2.0", "1.2", "1.3", "1.4"],
  deno: ["2.3", "2.4", "2.6", "2.9"],
}

/** `full` when POLYHOST_TEST_TABLE says so. */
export const TABLE = process.env["POLYHOST_TEST_TABLE"] === "full" ? FULL : SHORT

export interface TestRuntime {
  /** `thread`: on a node of the table; `isolate`: in the V8 of the host's own. */
  readonly name: TableRuntime | "thread" | "isolate"
  /** What the table says: `18`. */
  readonly asked: string
  /** What that is: `18.20.8`. */
  readonly version: string
  readonly path: string
}

declare module "vitest" {
  interface ProvidedContext {
    runtimes: readonly TestRuntime[]
  }
}
