import { expect, test, vi } from "vitest"
import { isAlive } from "../../runtimes/toolchain/owner-mark.ts"
import { runProgram } from "../../runtimes/toolchain/run-program.ts"

const options = {
  cwd: "/",
  env: { PATH: "/usr/bin:/bin" },
  signal: new AbortController().signal,
  timeoutMs: 10_000,
}

test("a program that takes too long is ended with all its children", async () => {
  const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e3)"], { stdio: "inherit" })
    process.stdout.write(String(c.pid)); setInterval(() => {}, 1e3)`
  const result = await runProgram(process.execPath, ["-e", script], { ...options, timeoutMs: 1000 })
  expect(result.problem).toBe("timeout")
  expect(Number(result.stdout)).toBeGreaterThan(0)
  await vi.waitFor(() => expect(isAlive(Number(result.stdout))).toBe(false), 5000)
})

test("a program that does not exist is a problem, not an exception", async () => {
  expect(await runProgram("/no/such/program", [], options)).toMatchObject({
    problem: "spawn",
    errno: "ENOENT",
  })
})

test("output and exit code arrive whole", async () => {
  const script = `process.stdout.write("x".repeat(300000)); process.stderr.write("warned"); process.exitCode = 3`
  const result = await runProgram(process.execPath, ["-e", script], options)
  expect(result).toMatchObject({ code: 3, stderr: "warned", problem: null })
  expect(result.stdout).toHaveLength(300_000)
})
