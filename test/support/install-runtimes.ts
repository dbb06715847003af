/** Before any test: the guest is built, and the table's runtimes are there (found, or installed as for any user). */
import type { TestProject } from "vitest/node"
import { hostEnvironment, runtimeCacheDir } from "../../host/config/environment.ts"
import { createToolchain } from "../../runtimes/toolchain/index.ts"
import { TABLE, type TableRuntime, type TestRuntime } from "./table.ts"

export default async function setup(project: TestProject): Promise<void> {
  const env = hostEnvironment()
  const toolchain = createToolchain({
    cacheDir: runtimeCacheDir(env),
    lockFile: null,
    env,
    report: (event) => {
      if (event.kind === "installed") process.stderr.write(`installed ${event.runtime} ${event.version}\n`)
    },
  })
  const signal = AbortSignal.timeout(INSTALL_DEADLINE_MS)
  try {
    const wanted = Object.entries(TABLE).flatMap(([name, versions]) =>
      versions.map((asked) => ({ name: name as TableRuntime, asked })),
    )
    const runtimes = await Promise.all(
      wanted.map(async ({ name, asked }): Promise<TestRuntime> => {
        const request = { name, version: asked, path: null, args: [] }
        const found = await toolchain.resolve(request, { app: "tests", dir: import.meta.dirname, signal })
        return { name, asked, version: found.version, path: found.path }
      }),
    )
    project.provide("runtimes", runtimes)
  } finally {
    await toolchain.close()
  }
}

/** All of the table on a slow line, in milliseconds. */
const INSTALL_DEADLINE_MS = 600_000
