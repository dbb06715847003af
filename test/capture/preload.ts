/** A guest of nothing but capture: reports on stderr what it captured. Bundled by rig.ts. */
import * as cluster from "node:cluster"
import { pathToFileURL } from "node:url"
import { installCapture, installClusterWorker } from "../../runtimes/guest/capture/index.ts"

const { CAPTURE_DIR: socketDir, CAPTURE_ENTRY: entry, POLYHOST_CAPTURE: captured } = process.env

if (socketDir) {
  delete process.env["CAPTURE_DIR"]
  delete process.env["CAPTURE_ENTRY"]
  const report = (event: string, value: unknown) =>
    process.stderr.write(`@capture ${JSON.stringify({ event, value })}\n`)
  const capture = installCapture({
    socketDir,
    socketPrefix: process.env["CAPTURE_PREFIX"] ?? "p",
    log: (level, message) => report("log", `${level}: ${message}`),
  })
  capture.first.then(({ options, ...listen }) => report("first", { ...listen, hasOptions: options !== null }))
  capture.failed.then((failure) => report("failed", failure))
  if (entry) import(pathToFileURL(entry).href)
} else if (captured && process.channel) {
  installClusterWorker(cluster.isWorker)
}
