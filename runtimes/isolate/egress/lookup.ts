/**
 * Name resolution of one app's connections. Names are resolved once for a connection, every answer is checked, and the
 * socket connects to one of the checked addresses: a name that answers otherwise a moment later (DNS rebinding) gains nothing.
 */
import { type LookupAddress, lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { OutboundRefused } from "./failure.ts"
import type { Gate } from "./gate.ts"
import type { Grant } from "./policy.ts"

/** All addresses of a name, in the order to try them. Rejects when there are none. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

export function createCheckedLookup(grant: Grant, resolve: Resolve, gate: Gate): LookupFunction {
  return (host, options, answer) => {
    checkedAddresses(host).then(
      (addresses) => {
        const [first] = addresses
        if (options.all === true) answer(null, [...addresses])
        else answer(null, first.address, first.family)
      },
      (error: Error) => answer(error, []),
    )
  }

  async function checkedAddresses(host: string): Promise<[LookupAddress, ...LookupAddress[]]> {
    const answers = await gate.run(() => resolve(host))
    const [first, ...others] = answers.filter((it) => grant.permits(it.address))
    if (first !== undefined) return [first, ...others]
    throw new OutboundRefused(grant.refusal(answers[0]?.address ?? ""))
  }
}

/** By the system: its hosts file, its resolver, its order. */
export const resolveBySystem: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses)
      else
        reject(
          Object.assign(new Error(`the name ${host} was not found (${error.code})`), { code: error.code }),
        )
    })
  })
