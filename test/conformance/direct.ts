/** Apps of the suite without a host: what a runtime's own server does with a case. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { within } from "../support/deadline.ts"
import { FIXTURES } from "../support/harness.ts"
import type { TableRuntime, TestRuntime } from "../support/table.ts"
import type { Column } from "./columns.ts"

export const APP_DIR = join(FIXTURES, "conformance-behaviours")

const FLAGS: Readonly<Record<TableRuntime, readonly string[]>> = {
  node: [],
  bun: ["--no-install"],
  deno: ["run", "--allow-all", "--no-prompt"],
}

/** Starts each app when it is first asked for. */
export class DirectApps {
  readonly #runtimes: readonly TestRuntime[]
  readonly #ports = new Map<string, Promise<number>>()
  readonly #children = new Set<ChildProcess>()

  constructor(runtimes: readonly TestRuntime[]) {
    this.#runtimes = runtimes
  }

  portOf(column: Column): Promise<number> {
    let port = this.#ports.get(column.id)
    if (port === undefined) {
      port = within(15_000, `the start of ${column.id} without a host`, this.#start(column))
      this.#ports.set(column.id, port)
    }
    return port
  }

  async close(): Promise<void> {
    const ends = [...this.#children].map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve()
          child.once("exit", () => resolve())
          child.kill("SIGKILL")
        }),
    )
    await within(10_000, "the end of the apps without a host", Promise.all(ends))
  }

  #start(column: Column): Promise<number> {
    const runtime = this.#runtimes.find((it) => it.name === column.runtime && it.asked === column.asked)
    if (runtime === undefined) throw new Error(`${column.runtime}@${column.asked} is not in the table`)
    const child = spawn(runtime.path, [...FLAGS[column.runtime], join(APP_DIR, column.entry)], {
      env: { PORT: "0", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "ignore"],
    })
    this.#children.add(child)
    // One that a case ended is started again for the next.
    child.once("exit", () => this.#ports.delete(column.id))
    return new Promise((resolve, reject) => {
      let output = ""
      child.once("error", reject)
      child.once("exit", (code) => reject(new Error(`${column.id} without a host ended with ${code}`)))
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text
        const match = /port (\d+)\n/.exec(output)
        if (match !== null) resolve(Number(match[1]))
      })
    })
  }
}
