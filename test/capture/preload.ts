/** A guest of nothing but capture: reports on stderr what it captured. Bundled by rig.ts. */
import * as cluster from "node:cluster"
import * as module from "node:module"
import { pathToFileURL } from "node:url"
import { installCapture, installClusterWorker } from "../../runtimes/guest/capture/index.ts"

const socketDir = process.env["POLYHOST_CAPTURE_DIR"]
const entry = process.env["POLYHOST_CAPTURE_ENTRY"]
const captured = process.env["POLYHOST_CAPTURE"]

if (socketDir) {
  delete process.env["POLYHOST_CAPTURE_DIR"]
  delete process.env["POLYHOST_CAPTURE_ENTRY"]
  const report = (event: string, value: unknown) =>
    process.stderr.write(`@capture ${JSON.stringify({ event, value })}\n`)
  const capture = installCapture({
    socketDir,
    socketPrefix: process.env["POLYHOST_CAPTURE_PREFIX"] ?? "p",
    log: (level, message) => report("log", `${level}: ${message}`),
  })
  capture.first.then(({ options, ...listen }) => report("first", { ...listen, hasOptions: options !== null }))
  capture.failed.then((failure) => report("failed", failure))
  if (entry?.endsWith(".cjs")) loadAsMain(entry)
  else if (entry) import(pathToFileURL(entry).href)
} else if (captured && process.channel) {
  installClusterWorker(cluster.isWorker)
}

/** So that `require.main === module` holds in an entry that the runtime did not start itself. */
function loadAsMain(path: string): void {
  const { _load } = module as unknown as { _load(path: string, parent: null, isMain: boolean): unknown }
  Object.defineProperty(process.argv, "1", { value: path, configurable: true, writable: true })
  _load(path, null, true)
}
