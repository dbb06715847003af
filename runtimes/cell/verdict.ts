/**
 * Who is to blame when a cell died without a word: an abort leaves no time for a report. Policy as a function; `cell.ts` applies it.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { ChildExit } from "../process/child.ts"
import type { FatalReport } from "./fatal-report.ts"
import type { Tenancy } from "./tenancy.ts"

export interface Blame {
  /** Its app brought the cell down; null: not known. */
  readonly culprit: Tenancy | null
  /** Among these must be the culprit. Each shall start again where it can harm nobody. */
  readonly suspects: readonly Tenancy[]
  readonly code: ClientErrorCode
}

export interface Evidence {
  readonly exit: ChildExit
  readonly lastLines: readonly string[]
  readonly report: FatalReport | null
  /** When nothing names the culprit, one is looked for. */
  readonly guess: boolean
}

/**
 * The thread that Node names; else who was known to compute; else who had a request in flight may have done it, and who had none,
 * hardly.
 */
export function blame(tenants: readonly Tenancy[], { exit, lastLines, report, guess }: Evidence): Blame {
  const named = report === null ? undefined : tenants.find((it) => it.threadId === report.threadId)
  if (named !== undefined)
    return {
      culprit: named,
      suspects: [named],
      code: report?.outOfMemory === true ? "APP_OOM" : "APP_CRASHED",
    }
  if (!guess) return { culprit: null, suspects: [], code: "APP_CRASHED" }
  const suspects = suspectsAmong(tenants)
  const apps = new Set(suspects.map((it) => it.app))
  return {
    culprit: apps.size === 1 ? suspects[0]! : null,
    suspects,
    code:
      exit.signal !== "SIGKILL" && lastLines.some((line) => OUT_OF_MEMORY.test(line))
        ? "APP_OOM"
        : "APP_CRASHED",
  }
}

/** Where nothing tells who it was. */
export function suspectsAmong(tenants: readonly Tenancy[]): readonly Tenancy[] {
  const computing = tenants.filter((it) => it.isBusy)
  const engaged = computing.length > 0 ? computing : tenants.filter((it) => it.inFlight() > 0)
  return engaged.length > 0 ? engaged : tenants
}

/** What V8 prints before it aborts the process. */
const OUT_OF_MEMORY =
  /heap out of memory|Allocation failed|invalid (?:table|array|size)|Array buffer allocation failed/i
