import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { bundleWebScript } from "./bare-context.ts"

interface Measured {
  readonly answer: object
  readonly startMs: number
  readonly kibibytesEach: number
  readonly heapBytes: number
}

const RIGHT = {
  shared: 8,
  host: "xn--bcher-kva.example",
  text: "hé",
  kanji: "あ",
  streamed: "abc",
  form: "1",
  parts: "x",
  leaked: [],
}

it.skipIf(!hasIsolates())(
  "web APIs work in a real isolate, from a snapshot and from the script",
  async () => {
    const child = spawn(
      process.execPath,
      ["--no-node-snapshot", fileURLToPath(new URL("isolate-child.ts", import.meta.url))],
      { stdio: ["pipe", "pipe", "inherit"] },
    )
    child.stdin.end(await bundleWebScript())
    const { snapshotBytes, makeMs, fromSnapshot, fromScript } = JSON.parse(await text(child.stdout)) as {
      snapshotBytes: number
      makeMs: number
      fromSnapshot: Measured
      fromScript: Measured
    }
    expect(fromSnapshot.answer).toEqual(RIGHT)
    expect(fromScript.answer).toEqual(RIGHT)
    // What it costs is shown; a bound far above what was measured catches tables that slip into the script.
    process.stdout.write(
      `snapshot ${snapshotBytes >> 10} KiB made in ${makeMs.toFixed(0)} ms; an isolate of it: ` +
        `${fromSnapshot.startMs.toFixed(1)} ms, ${fromSnapshot.kibibytesEach.toFixed(0)} KiB, heap ${fromSnapshot.heapBytes >> 10} KiB; ` +
        `of the script: ${fromScript.startMs.toFixed(1)} ms, ${fromScript.kibibytesEach.toFixed(0)} KiB\n`,
    )
    expect(fromSnapshot.heapBytes).toBeLessThan(6 * 1024 * 1024)
    expect(snapshotBytes).toBeLessThan(6 * 1024 * 1024)
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
