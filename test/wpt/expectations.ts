/**
 * What is known to fail and why: one file an area in `expectations/`. A run is compared with it; what differs either way is an
 * error. Names no test's content, so that the files of the suite need not be here.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { areaOf } from "./areas.ts"
import { explain } from "./explain.ts"
import type { FileResult } from "./messages.ts"

/** Names of subtests by the reason that explains them. */
export type ByReason = Readonly<Record<string, readonly string[]>>

export interface FileExpectation {
  /** Why the file is not run at all. */
  readonly skip?: string
  /** Why the file does not come to its end. */
  readonly file?: string
  /** Ours to answer for. */
  readonly fail?: ByReason
  /** What makes no sense on a server. */
  readonly notApplicable?: ByReason
  /** Passes or fails by the load of the machine: never unexpected, and not counted where it fails. Written by hand. */
  readonly sometimes?: ByReason
}

export type Expectations = Readonly<Record<string, FileExpectation>>

export interface Comparison {
  readonly pass: number
  readonly fail: number
  readonly notApplicable: number
  readonly unexpected: readonly string[]
}

export const THE_FILE = "(the file itself)"

export function readExpectations(folder: string): Expectations {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"))
  return Object.assign(
    {},
    ...files.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8"))),
  ) as Expectations
}

/** Unexpected passes count too: an expectation that is no longer true hides the next failure. */
export function compare(result: FileResult, expected: FileExpectation = {}): Comparison {
  const known = new Set(namesOf(expected.fail))
  const senseless = new Set(namesOf(expected.notApplicable))
  const unsteady = new Set(namesOf(expected.sometimes))
  const counts = { pass: 0, fail: 0, notApplicable: 0 }
  const unexpected: string[] = []
  for (const { name, status, message } of withTheFile(result, expected)) {
    if (status === "pass") {
      counts.pass++
      if (known.has(name) || senseless.has(name))
        unexpected.push(`${result.name}: ${name}: passes, expected to fail`)
    } else if (senseless.has(name) || unsteady.has(name)) counts.notApplicable++
    else {
      counts.fail++
      if (!known.has(name)) unexpected.push(`${result.name}: ${name}: ${status}: ${message ?? ""}`)
    }
  }
  return { ...counts, unexpected }
}

/** What would make this run an expected one. Reasons come by rule; else those that stand are kept, and what is new is "unexplained". */
export function update(results: readonly FileResult[], old: Expectations): Expectations {
  const next: Record<string, FileExpectation> = { ...old }
  for (const result of results) {
    const expectation = expectationOf(result, old[result.name] ?? {})
    if (expectation === null) delete next[result.name]
    else next[result.name] = expectation
  }
  return next
}

export function writeExpectations(folder: string, expectations: Expectations): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const byArea = new Map<string, Record<string, FileExpectation>>()
  for (const name of Object.keys(expectations).sort()) {
    const area = (areaOf(name)?.name ?? "other").replaceAll("/", "-")
    byArea.set(area, { ...byArea.get(area), [name]: expectations[name]! })
  }
  for (const [area, entries] of byArea)
    writeFileSync(join(folder, `${area}.json`), `${JSON.stringify(entries, null, 2)}\n`)
}

function expectationOf(result: FileResult, old: FileExpectation): FileExpectation | null {
  const kept = new Map<string, { reason: string; senseless: boolean }>()
  for (const [senseless, reasons] of [[false, old.fail] as const, [true, old.notApplicable] as const])
    for (const [reason, names] of Object.entries(reasons ?? {}))
      if (!reason.startsWith("unexplained")) for (const name of names) kept.set(name, { reason, senseless })
  const fail: Record<string, string[]> = {}
  const notApplicable: Record<string, string[]> = {}
  const unsteady = new Set(namesOf(old.sometimes))
  for (const { name, status, message } of result.subtests) {
    if (status === "pass" || unsteady.has(name)) continue
    const { reason, senseless } = explain(result.name, name, message ?? status) ??
      kept.get(name) ?? { reason: "unexplained", senseless: false }
    const into = senseless ? notApplicable : fail
    into[reason] = [...(into[reason] ?? []), name]
  }
  const expectation: FileExpectation = {
    ...(old.skip === undefined ? {} : { skip: old.skip }),
    ...(result.status === "ok" ? {} : { file: fileReason(result, old) }),
    ...(Object.keys(fail).length === 0 ? {} : { fail }),
    ...(Object.keys(notApplicable).length === 0 ? {} : { notApplicable }),
    ...(old.sometimes === undefined ? {} : { sometimes: old.sometimes }),
  }
  return Object.keys(expectation).length === 0 ? null : expectation
}

function fileReason(result: FileResult, old: FileExpectation): string {
  if (old.file !== undefined && !old.file.startsWith("unexplained")) return old.file
  const reason = explain(result.name, THE_FILE, result.message ?? result.status)?.reason
  return reason ?? `unexplained ${result.status}: ${(result.message ?? "").split("\n")[0]}`
}

/** A file that does not come to its end counts as one more subtest that failed. */
function withTheFile(result: FileResult, expected: FileExpectation): FileResult["subtests"] {
  if (result.status === "ok" && expected.file === undefined) return result.subtests
  if (result.status === "ok")
    return [
      ...result.subtests,
      { name: `${THE_FILE} ends`, status: "fail", message: "but was not expected to" },
    ]
  if (expected.file !== undefined) return result.subtests
  return [
    ...result.subtests,
    { name: THE_FILE, status: "fail", message: `${result.status}: ${result.message ?? ""}` },
  ]
}

function namesOf(byReason: ByReason | undefined): string[] {
  return Object.values(byReason ?? {}).flat()
}
