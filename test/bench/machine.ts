/** What a run ran on, for the head of RESULTS.md. */
import { execFileSync } from "node:child_process"
import { cpus, totalmem } from "node:os"
import { h2loadVersion } from "./h2load.ts"
import { nginxVersion } from "./nginx.ts"
import { workerdVersion } from "./workerd.ts"

export function machine(): string {
  const wrk = version("wrk", ["-v"]).split(" ").slice(0, 2).join(" ")
  return [
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${version("uname", ["-r"])}`,
    `Node ${process.versions.node}`,
    wrk,
    h2loadVersion() ?? "no h2load",
    nginxVersion() ?? "no nginx",
    workerdVersion() ?? "no workerd",
  ].join(" · ")
}

function version(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")[0]!
      .trim()
  } catch (error) {
    // wrk prints its version and exits with 1.
    const { stdout } = error as { stdout?: string }
    return (stdout ?? "").split("\n")[0]!.trim() || `${file}: unknown version`
  }
}
