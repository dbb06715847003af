import { expect, test } from "vitest"
import { commandLine as bun } from "../../runtimes/bun/command-line.ts"
import type { CommandLineInput } from "../../runtimes/command-line.ts"
import { commandLine as deno } from "../../runtimes/deno/command-line.ts"
import { HEAD_BYTES_FLAG } from "../../runtimes/head-bytes.ts"
import { commandLine as node } from "../../runtimes/node/command-line.ts"

const input = (version: string, more: Partial<CommandLineInput> = {}): CommandLineInput => ({
  version,
  entry: "/app/main.js",
  guest: "/g/guest.cjs",
  args: [],
  interface: "auto",
  dir: "/app",
  sockets: ["/run/ph/host.sock", "/run/ph/a0.sock"],
  ...more,
})

test("node preloads the guest after the app's own arguments and keeps the entry the main program", () => {
  expect(node(input("14.21.3", { args: ["--expose-gc"] }))).toMatchObject({
    args: [HEAD_BYTES_FLAG, "--expose-gc", "--require", "/g/guest.cjs", "/app/main.js"],
    mainIsGuest: false,
  })
})

test.each([
  ["22.6.0", ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]],
  ["22.17.1", ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]],
  ["22.18.0", ["--disable-warning=ExperimentalWarning"]],
  ["23.5.0", ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]],
  ["23.6.0", ["--disable-warning=ExperimentalWarning"]],
  ["26.10.0", ["--disable-warning=ExperimentalWarning"]],
])("node %s runs TypeScript with the flags it needs", (version, flags) => {
  const { args } = node(input(version, { entry: "/app/main.ts" }))
  expect(args.slice(0, -3)).toEqual([...flags, HEAD_BYTES_FLAG])
})

test("node that cannot run the entry says what to use instead", () => {
  const typescript = () => node(input("20.20.2", { entry: "/app/main.ts" }))
  expect(typescript).toThrow(
    expect.objectContaining({
      code: "RUNTIME_UNSUPPORTED",
      message: expect.stringMatching(/use node@22\.18 or later, bun or deno/),
    }),
  )
  expect(() => node(input("26.10.0", { entry: "/app/main.tsx" }))).toThrow(/JSX/)
  expect(() => node(input("16.20.2", { interface: "fetch" }))).toThrow(/node@18/)
  expect(() => node(input("12.22.12"))).toThrow(/too old/)
})

test("node leaves TypeScript to a loader that the app brings", () => {
  const { args } = node(input("20.20.2", { entry: "/app/main.ts", args: ["--import", "tsx"] }))
  expect(args).toEqual([HEAD_BYTES_FLAG, "--import", "tsx", "--require", "/g/guest.cjs", "/app/main.ts"])
})

test("bun downloads nothing at start unless the app's arguments say so", () => {
  const preload = ["--preload", "/g/guest.cjs", "/app/main.js"]
  expect(bun(input("1.2.0")).args).toEqual(["--no-install", HEAD_BYTES_FLAG, ...preload])
  const { args } = bun(input("1.4.5", { args: ["--install=fallback"] }))
  expect(args).toEqual([HEAD_BYTES_FLAG, "--install=fallback", ...preload])
})

test("deno runs with all permissions, as `deno run -A`, and never asks", () => {
  expect(deno(input("2.9.6"))).toEqual({
    args: ["run", "--allow-all", "--no-prompt", "--preload", "/g/guest.cjs", "/app/main.js"],
    env: {},
    mainIsGuest: false,
  })
})

test("deno 2.3, which cannot preload, starts the guest from the app's directory", () => {
  expect(deno(input("2.3.0"))).toEqual({
    args: ["eval", `import("file:///g/guest.cjs")`],
    env: {},
    mainIsGuest: true,
  })
})

test("deno with permissions of the app's own adds what the guest needs and narrows none of them", () => {
  const { args } = deno(input("2.9.6", { args: ["--allow-net", "--allow-read=data"] }))
  expect(args).toEqual([
    "run",
    "--allow-read=/run/ph,/g/guest.cjs,/app/main.js",
    "--allow-write=/run/ph",
    "--allow-env=POLYHOST_*",
    "--no-prompt",
    "--allow-net",
    "--allow-read=data",
    "--preload",
    "/g/guest.cjs",
    "/app/main.js",
  ])
  const restricted = deno(input("2.9.6", { args: ["--allow-net=:80"] }))
  expect(restricted.args).toContain("--allow-net=unix:/run/ph/host.sock,unix:/run/ph/a0.sock")
  expect(deno(input("2.6.8", { args: ["--allow-net=:80"] })).args.join()).not.toContain("unix:")
})

test("deno serve arguments lose the subcommand and its address", () => {
  const { args } = deno(
    input("2.9.6", { args: ["serve", "--port", "80", "--host=0.0.0.0", "--unstable-kv"] }),
  )
  expect(args.filter((arg) => /serve|80|0\.0\.0\.0/.test(arg))).toEqual([])
  expect(args).toContain("--unstable-kv")
})
