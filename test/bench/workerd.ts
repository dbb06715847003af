/** workerd as it ships, with one Worker: the yardstick for isolates. `npm install --no-save workerd` brings it. */
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { delimiter, join } from "node:path"

/** Path of workerd: on PATH, or in a package beside this one; null when it is not there. */
export function findWorkerd(): string | null {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, "workerd"))
  return [...fromPackage(), ...onPath].find((it) => spawnSync(it, ["--version"]).status === 0) ?? null
}

/** Such as `workerd 2026-11-17`, or null. */
export function workerdVersion(): string | null {
  const workerd = findWorkerd()
  return workerd === null ? null : spawnSync(workerd, ["--version"], { encoding: "utf8" }).stdout.trim()
}

export function workerdConf(port: number, source: string): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .app) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ]
);
const app :Workerd.Worker = (
  modules = [ (name = "app.mjs", esModule = embed "${source}") ],
  compatibilityDate = "2026-01-01",
);
`
}

function fromPackage(): string[] {
  try {
    return [createRequire(import.meta.url).resolve("workerd/bin/workerd")]
  } catch {
    return []
  }
}
