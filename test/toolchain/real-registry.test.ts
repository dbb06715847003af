import { execFileSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { createToolchain, type ToolchainEvent } from "../../runtimes/toolchain/index.ts"

test("a real bun is installed through the user's npm and runs", async (context) => {
  if (!registryAnswers()) context.skip("the npm registry does not answer")
  const cacheDir = await mkdtemp(join(tmpdir(), "polyhost-real-"))
  const events: ToolchainEvent[] = []
  const report = (event: ToolchainEvent) => events.push(event)
  const toolchain = createToolchain({ cacheDir, lockFile: null, env: process.env, report })
  try {
    const request = { name: "bun", version: "1.2.0", path: null, args: [] } as const
    const options = { app: "shop", dir: cacheDir, signal: AbortSignal.timeout(110_000) }
    const resolved = await toolchain.resolve(request, options)
    expect(resolved).toMatchObject({ name: "bun", version: "1.2.0" })
    expect(execFileSync(resolved.path, ["--version"], { encoding: "utf8" }).trim()).toBe("1.2.0")
  } finally {
    await toolchain.close()
    await rm(cacheDir, { recursive: true, force: true })
  }
}, 120_000)

function registryAnswers(): boolean {
  try {
    execFileSync("npm", ["view", "bun@1.2.0", "version", "--fetch-retries=0"], {
      timeout: 15_000,
      stdio: "ignore",
    })
    return true
  } catch {
    return false
  }
}
