import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { bundleWebScript } from "./bare-context.ts"

it.skipIf(!hasIsolates())(
  "timers, signals, crypto, compression and console work in a real isolate",
  async () => {
    const child = spawn(
      process.execPath,
      ["--no-node-snapshot", fileURLToPath(new URL("core-isolate-child.ts", import.meta.url))],
      { stdio: ["pipe", "pipe", "inherit"] },
    )
    child.stdin.end(await bundleWebScript())
    const { answer, printed } = JSON.parse(await text(child.stdout)) as { answer: string; printed: string[] }
    expect(JSON.parse(answer)).toEqual({
      aborted: "TimeoutError",
      order: ["timer", "microtask", "timer 2"],
      verified: true,
      failed: "DataError",
      unzipped: 6000,
      uuid: 36,
      jwk: "P-256",
      clone: 2,
      error: "AbortError: x",
      base64: "bytes",
      agent: "Polyhost",
      monotonic: true,
    })
    expect(printed[0]).toMatch(/^stderr: Uncaught Error: in a timer\n\s+at /)
    expect(printed[1]).toBe("stdout: line of the app { a: [ 1 ] }")
  },
)

/** Is there a build of isolated-vm for this Node? */
function hasIsolates(): boolean {
  try {
    createRequire(import.meta.url).resolve("isolated-vm")
    return Number(process.versions.node.split(".")[0]) >= 24
  } catch {
    return false
  }
}
