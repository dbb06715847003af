/** When to renew, when to try again, and how often at most. Policy as data; keeps no timer and knows no authority. */

import { X509Certificate } from "node:crypto"

const HOUR_MS = 3_600_000

export interface Lifetime {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** @throws Error: it is no certificate */
export function lifetimeOf(cert: string): Lifetime {
  const { validFrom, validTo } = new X509Certificate(cert)
  return { notBeforeMs: Date.parse(validFrom), notAfterMs: Date.parse(validTo) }
}

/**
 * At two thirds of its life, or up to a thirtieth of it before (of 90 days: three): hosts that got theirs together do not all
 * come together. `random`: a number in [0, 1).
 */
export function renewalMs({ notBeforeMs, notAfterMs }: Lifetime, random: () => number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * (2 / 3 - random() / 30)
}

/**
 * The same for one that has just come: not before some time has gone by, whatever its dates say. Else a clock that is wrong
 * would make each new certificate look like an old one.
 */
export function nextRenewalMs(life: Lifetime, nowMs: number, random: () => number): number {
  const leastMs = Math.min((life.notAfterMs - life.notBeforeMs) / 10, 24 * HOUR_MS)
  return Math.max(renewalMs(life, random), nowMs + leastMs)
}

const FIRST_RETRY_MS = 60_000
const LAST_RETRY_MS = 6 * HOUR_MS

/**
 * Before the next try after so many failures in a row: a minute doubling to six hours, up to a fifth less; never sooner
 * than the authority said.
 */
export function retryMs(failures: number, retryAfterMs: number, random: () => number): number {
  const ownMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20), LAST_RETRY_MS)
  return Math.max(ownMs * (1 - random() / 5), retryAfterMs * (1 + random() / 20))
}

/** Orders an hour, below Let's Encrypt's own limits: five failed validations a name, a hundred orders an account. */
export const ORDERS_AN_HOUR = { host: 5, all: 90 } as const

/** Counts orders, so that no mistake of anybody's makes this host a nuisance. */
export class OrderBudget {
  /** When orders were made in the last hour, oldest first. */
  #orders: { readonly host: string; readonly atMs: number }[] = []

  /** 0: it may be made now and is counted; else milliseconds until it may. */
  take(host: string, nowMs: number): number {
    this.#orders = this.#orders.filter((it) => it.atMs > nowMs - HOUR_MS)
    const ofHost = this.#orders.filter((it) => it.host === host)
    const waitMs = Math.max(
      waitFor(ofHost, ORDERS_AN_HOUR.host, nowMs),
      waitFor(this.#orders, ORDERS_AN_HOUR.all, nowMs),
    )
    if (waitMs === 0) this.#orders.push({ host, atMs: nowMs })
    return waitMs
  }
}

function waitFor(orders: readonly { readonly atMs: number }[], most: number, nowMs: number): number {
  const oldest = orders[orders.length - most]
  return oldest === undefined ? 0 : oldest.atMs + HOUR_MS - nowMs
}
