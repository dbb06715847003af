/** Runs one test file in a fresh isolate and collects what its harness tells, within the file's time and memory limits. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { openIsolate, type TestIsolate } from "./isolate.ts"
import type { ChildSetup, FileResult, SubtestResult, SubtestStatus, Task } from "./messages.ts"
import { substitute } from "./substitute.ts"
import type { TestScript } from "./suite.ts"

const STATUSES: readonly SubtestStatus[] = ["pass", "fail", "timeout", "notrun", "precondition"]
/** How long a file whose time is up may take to tell what it has. */
const FAREWELL_MS = 1500

export async function runFile(setup: ChildSetup, task: Task): Promise<FileResult> {
  const subtests: SubtestResult[] = []
  const ended = Promise.withResolvers<Omit<FileResult, "name" | "subtests">>()
  const isolate = openIsolate(setup, task, (told) => {
    if ("done" in told) {
      const message = told.message
      ended.resolve(
        told.status === 0
          ? { status: "ok", message }
          : { status: told.status === 2 ? "timeout" : "error", message },
      )
    } else {
      subtests.push({ name: told.name, status: STATUSES[told.status] ?? "fail", message: told.message })
    }
  })
  const timers = [
    setTimeout(() => void isolate.giveUp(), task.timeLimitMs),
    setTimeout(
      () => ended.resolve({ status: "timeout", message: "the file's time was up" }),
      task.timeLimitMs + FAREWELL_MS,
    ),
  ]
  execute(isolate, task).catch((error: unknown) => {
    ended.resolve({
      status: "error",
      message: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
    })
  })
  const end = await ended.promise
  for (const timer of timers) clearTimeout(timer)
  isolate.close()
  return { name: task.file.name, ...end, subtests: named(subtests) }
}

async function execute(isolate: TestIsolate, task: Task): Promise<void> {
  await isolate.start()
  const harness = readFileSync(join(task.root, "resources/testharness.js"), "utf8")
  await isolate.runHarness(harness)
  for (const script of task.file.scripts) await isolate.run(sourceOf(script, task), script.path)
  await isolate.afterScripts()
}

function sourceOf(script: TestScript, task: Task): string {
  const text =
    "text" in script
      ? "\n".repeat(script.line - 1) + script.text
      : readFileSync(join(task.root, script.path), "utf8")
  return /\.sub\./.test(script.path)
    ? substitute(text, new URL(task.file.path + task.file.query, task.origin))
    : text
}

/** Names are what expectations go by: a second subtest of the same name gets a number. */
function named(subtests: readonly SubtestResult[]): SubtestResult[] {
  const seen = new Map<string, number>()
  return subtests.map((subtest) => {
    const count = (seen.get(subtest.name) ?? 0) + 1
    seen.set(subtest.name, count)
    return count === 1 ? subtest : { ...subtest, name: `${subtest.name} (${count})` }
  })
}
