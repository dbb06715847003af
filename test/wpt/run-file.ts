/** Runs one test file in a fresh isolate and collects what its harness tells, within the file's time and memory limits. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Factory } from "./factory.ts"
import { openIsolate, type TestIsolate, type ToldSubtest } from "./isolate.ts"
import type { FileResult, SubtestResult, SubtestStatus, Task } from "./messages.ts"
import { substitute } from "./substitute.ts"
import type { TestScript } from "./suite.ts"

const STATUSES: readonly SubtestStatus[] = ["pass", "fail", "timeout", "notrun", "precondition"]
/** How long a file whose time is up may take to tell what it has. */
const FAREWELL_MS = 1500
/** In names of subtests, whatever port there was. */
const SUITE_HOST = "web-platform.test:8000"

export async function runFile(factory: Factory, task: Task): Promise<FileResult> {
  const subtests: SubtestResult[] = []
  const end = await new Promise<End>((resolve) => {
    const isolate = openIsolate(factory, task, (told) => {
      if ("done" in told) ended({ status: END_STATUSES[told.status] ?? "error", message: told.message })
      else subtests.push(toSubtest(told, task.origin))
    })
    const ended = (how: End): void => {
      for (const timer of timers) clearTimeout(timer)
      isolate.close()
      resolve(how)
    }
    const timeUp: End = { status: "timeout", message: "the file's time was up" }
    const timers = [
      setTimeout(() => void isolate.giveUp(), task.timeLimitMs),
      setTimeout(() => ended(timeUp), task.timeLimitMs + FAREWELL_MS),
    ]
    execute(isolate, task).catch((error: unknown) => ended({ status: "error", message: String(error) }))
  })
  return { name: task.file.name, ...end, subtests: named(subtests) }
}

type End = Pick<FileResult, "status" | "message">

/** testharness.js: 0 OK, 1 ERROR, 2 TIMEOUT, 3 PRECONDITION_FAILED. */
const END_STATUSES = ["ok", "error", "timeout", "ok"] as const

function toSubtest({ name, status, message }: ToldSubtest, origin: string): SubtestResult {
  return {
    name: name.replaceAll(new URL(origin).host, SUITE_HOST),
    status: STATUSES[status] ?? "fail",
    message,
  }
}

async function execute(isolate: TestIsolate, task: Task): Promise<void> {
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
