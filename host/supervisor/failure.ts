/** What an app failed of last, and which failures another try cannot mend. */
import type { ErrorCode } from "../../protocol/errors.ts"
import type { Exit } from "../../runtimes/runtime.ts"
import type { Slot } from "./slot.ts"

export interface LastError {
  readonly code: ErrorCode
  readonly message: string
  readonly at: Date
}

const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CONFIG_INVALID",
  "RUNTIME_ENTRY_NOT_FOUND",
  "RUNTIME_PROGRAM_NOT_FOUND",
  "RUNTIME_UNSUPPORTED",
  "TOOLCHAIN_NOT_FOUND",
])

/** The app stays failed until somebody acts. */
export function isPermanent(code: ErrorCode): boolean {
  return PERMANENT.has(code)
}

/** Failed starts in a row, or the delay before the next try, from which on requests are refused instead of waiting. */
const REFUSE_AFTER = { starts: 3, delayMs: 2000 }

/** An app that starts and then crashes is back soon: its requests wait. One that cannot start is not. */
export function isHopeless(failedStarts: number, delayMs: number): boolean {
  return failedStarts >= REFUSE_AFTER.starts || delayMs >= REFUSE_AFTER.delayMs
}

/** How long the next try waits at least. A full disk needs somebody to make room, and each try may download a runtime. */
export function leastDelayMs(code: ErrorCode): number {
  return code === "TOOLCHAIN_DISK_FULL" ? 30_000 : 0
}

/** How long a wedge that was told of is the reason of the end that follows it, in milliseconds. */
const WEDGE_ENDS_MS = 10_000

/** What is to be said of an instance that ended unexpectedly; null when it was said already. */
export function exitFailure(
  app: string,
  slot: Slot,
  exit: Exit,
  last: LastError | null,
): { readonly code: ErrorCode; readonly message: string } | null {
  const told = last?.code === "APP_WEDGED" && Date.now() - last.at.getTime() < WEDGE_ENDS_MS
  if (told && (exit.cause === "APP_WEDGED" || exit.cause === "APP_CRASHED")) return null
  return { code: exit.cause, message: `App "${app}": instance ${slot.id} ended unexpectedly: ${exit.reason}` }
}
