import type { ClientErrorCode } from "../../../protocol/errors.ts"

/** Why connections to a server app ended, and what becomes of the exchanges on them. */
export interface Verdict {
  readonly code: ClientErrorCode
  readonly reason: string
  /** The app is not to blame: an exchange that another instance may answer is given back. */
  readonly collateral: boolean
}
