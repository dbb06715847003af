/** What an app failed of last, and which failures another try cannot mend. */
import type { ErrorCode } from "../../protocol/errors.ts"

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

/** How long the next try waits at least. A full disk needs somebody to make room, and each try may download a runtime. */
export function leastDelayMs(code: ErrorCode): number {
  return code === "TOOLCHAIN_DISK_FULL" ? 30_000 : 0
}
