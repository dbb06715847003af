import { STATUS_CODES } from "node:http"

/** The reason phrase that a status usually has, or "". */
export function usualReason(status: number): string {
  return status === 200 ? "OK" : (STATUS_CODES[status] ?? "")
}
