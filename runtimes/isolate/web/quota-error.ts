/** QuotaExceededError: the one DOMException that is an interface of its own, with numbers. */
import { DOMException } from "./dom-exception.ts"
import { defineInterface, toDictionary, toDouble } from "./idl.ts"

interface Quota {
  readonly quota: number | null
  readonly requested: number | null
}

// Not private fields: the object is made by Error, before this class's constructor has it.
const quotas = new WeakMap<object, Quota>()

export class QuotaExceededError extends DOMException {
  constructor(message: string = "", options: object = {}) {
    super(message, "QuotaExceededError")
    const given = toDictionary(options, "QuotaExceededError: options")
    const own = { quota: toAmount(given["quota"]), requested: toAmount(given["requested"]) }
    if (own.quota !== null && own.requested !== null && own.requested < own.quota)
      throw new RangeError("QuotaExceededError: requested is less than quota")
    quotas.set(this, own)
  }
  get quota(): number | null {
    return quotaOf(this).quota
  }
  get requested(): number | null {
    return quotaOf(this).requested
  }
}

defineInterface("QuotaExceededError", QuotaExceededError)

function toAmount(value: unknown): number | null {
  if (value === undefined) return null
  const amount = toDouble(value, "QuotaExceededError: an amount")
  if (amount < 0) throw new RangeError("QuotaExceededError: an amount is negative")
  return amount
}

function quotaOf(error: object): Quota {
  const quota = quotas.get(error)
  if (quota === undefined) throw new TypeError("Illegal invocation")
  return quota
}
