/** What a handler may return or throw, told apart and put into words. */

/** A Response of this runtime, or of a library that brings its own with a web stream or no body. */
export function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true
  if (Object.prototype.toString.call(value) !== "[object Response]") return false
  const { headers, body } = value as {
    headers?: { forEach?: unknown }
    body?: { getReader?: unknown } | null
  }
  if (typeof headers?.forEach !== "function") return false
  return body === null || typeof body?.getReader === "function"
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  )
}

/** For the message of a result that is no response. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === "object"
    ? `an object (${value.constructor?.name ?? "no prototype"})`
    : `a ${typeof value}`
}

export function thrownMessage(error: unknown): string {
  return worded(() => (error instanceof Error ? error.message : error))
}

/** With the places that it came from, where it has them. */
export function thrownStack(error: unknown): string {
  return worded(() => (error instanceof Error ? (error.stack ?? error.message) : error))
}

/** An app may throw what throws again when it is looked at (a revoked proxy): its request must be answered all the same. */
function worded(look: () => unknown): string {
  try {
    return String(look())
  } catch {
    return "what was thrown cannot be put into words"
  }
}
