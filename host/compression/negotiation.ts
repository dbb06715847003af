/** Negotiation: which coding an Accept-Encoding allows (RFC 9110 12.5.3). Owns the answers it gave: clients send few values. */
import Negotiator from "negotiator"
import type { ContentCoding } from "../../runtimes/app-spec.ts"

export interface Choice {
  /** Null: as it is. */
  readonly coding: ContentCoding | null
  /** The client does not want it as it is. */
  readonly refusesIdentity: boolean
}

/** Its types are of an older version, without what is preferred. */
interface EncodingNegotiator {
  encodings(available: readonly string[], options: { readonly preferred: readonly string[] }): string[]
}

const MOST_REMEMBERED = 64
const LONGEST_REMEMBERED = 256

export class Negotiation {
  readonly #codings: readonly ContentCoding[]
  readonly #known = new Map<string, Choice>()

  /** `codings`: best first, of those that a client wants equally. */
  constructor(codings: readonly ContentCoding[]) {
    this.#codings = codings
  }

  /** `accept`: the value of the field, "" where there is none. */
  of(accept: string): Choice {
    const known = this.#known.get(accept)
    if (known !== undefined) return known
    const choice = this.#choose(accept)
    if (accept.length <= LONGEST_REMEMBERED) {
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
      this.#known.set(accept, choice)
    }
    return choice
  }

  #choose(accept: string): Choice {
    // RFC 9110 8.4.1.3.
    const value = accept.replace(/\bx-gzip\b/gi, "gzip")
    const negotiator: EncodingNegotiator = new Negotiator({ headers: { "accept-encoding": value } })
    const wanted = negotiator.encodings([...this.#codings, "identity"], { preferred: this.#codings })
    const coding = this.#codings.find((it) => it === wanted[0]) ?? null
    return { coding, refusesIdentity: !wanted.includes("identity") }
  }
}
