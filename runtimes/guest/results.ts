/** What a handler may return, told apart. */

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
