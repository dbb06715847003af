/**
 * One order at the authority, from the name to its certificate (RFC 8555 7.4): proves by each of the challenge types in turn that the
 * name leads here. Decides nothing about when; keeps nothing.
 */
import { createPrivateKey, X509Certificate } from "node:crypto"
import type { Authorization, Order } from "acme-client"
import type { ChallengeType } from "../listener/tls/tls-settings.ts"
import { AuthorityError, oneLine, problemOf } from "./authority-error.ts"
import type { Challenges } from "./challenges.ts"
import { sleep } from "./clock.ts"
import type { Session } from "./session.ts"
import type { CertificatePair } from "./state.ts"

export interface OrderParts {
  readonly host: string
  readonly types: readonly ChallengeType[]
  readonly challenges: Challenges
  /** Asked before each order, one more for each challenge type that failed. @returns milliseconds to wait; 0: go on. */
  readonly admit: () => number
}

/** @throws AuthorityError */
export async function orderCertificate(session: Session, parts: OrderParts): Promise<CertificatePair> {
  const proven = await prove(session, parts)
  const ready = await settled(session, proven, ["pending"])
  const { crypto } = session.library
  const key = await crypto.createPrivateEcdsaKey("P-256")
  const [, request] = await crypto.createCsr({ altNames: [parts.host] }, key)
  const finalized = await session.client.finalizeOrder(ready, request)
  const issued = await settled(session, finalized, ["pending", "ready", "processing"])
  const cert = await session.client.getCertificate(issued)
  return checked({ cert, key: String(key) }, parts.host)
}

/** A failed proof ends its order (RFC 8555 7.1.6): the next type needs a new one. */
async function prove(session: Session, parts: OrderParts): Promise<Order> {
  const failures: AuthorityError[] = []
  let order: Order | null = null
  for (const type of parts.types) {
    if (order === null) {
      const waitMs = parts.admit()
      if (waitMs > 0) {
        failures.push(
          new AuthorityError("there were as many orders as one hour may have", { retryAfterMs: waitMs }),
        )
        break
      }
      order = await session.client.createOrder({ identifiers: [{ type: "dns", value: parts.host }] })
    }
    const failure = await proveBy(session, order, { ...parts, type })
    if (failure === null) return order
    failures.push(failure)
    if (failure.type !== "noChallenge") order = null
  }
  const last = failures.findLast((it) => it.type !== "noChallenge" && it.type !== "") ?? failures[0]
  throw new AuthorityError(failures.map((it) => it.message).join("; "), {
    type: last?.type ?? "",
    retryAfterMs: Math.max(...failures.map((it) => it.retryAfterMs)),
  })
}

/** @returns null: the authority is satisfied. */
async function proveBy(
  session: Session,
  order: Order,
  { host, type, challenges }: OrderParts & { type: ChallengeType },
): Promise<AuthorityError | null> {
  const { client } = session
  const [authorization] = await client.getAuthorizations(order)
  if (authorization === undefined) throw new AuthorityError("an order without authorizations")
  if (authorization.status === "valid") return null
  const challenge = authorization.challenges.find((it) => it.type === type)
  if (challenge === undefined) {
    const offered = authorization.challenges.map((it) => it.type).join(", ")
    return new AuthorityError(`${type}: not offered, but ${offered}`, { type: "noChallenge" })
  }
  const proof = { host, token: challenge.token, text: await client.getChallengeKeyAuthorization(challenge) }
  const hide = await challenges.show(type, proof, session.library)
  try {
    await client.completeChallenge(challenge)
    const { status, challenges: done } = await authorized(session, order)
    if (status === "valid") return null
    const problem = problemOf(done.find((it) => it.type === type)?.error)
    const why = problem === null ? `the authorization is ${status}` : `${problem.detail} (${problem.type})`
    return new AuthorityError(`${type}: ${why}`, { type: problem?.type ?? "unauthorized" })
  } finally {
    hide()
  }
}

function authorized(session: Session, order: Order): Promise<Authorization> {
  return poll(session, "the authorization", async () => {
    const [authorization] = await session.client.getAuthorizations(order)
    return authorization === undefined || authorization.status === "pending" ? null : authorization
  })
}

/** The order, once its status is none of `waiting`. */
async function settled(session: Session, order: Order, waiting: readonly string[]): Promise<Order> {
  const done = await poll(session, "the order", async (isFirst) => {
    // `finalize` answers with the order; what a new one says was said before its authorization.
    const now = isFirst && order.status !== "pending" ? order : await session.client.getOrder(order)
    return waiting.includes(now.status) ? null : now
  })
  if (done.status !== "invalid") return done
  const problem = problemOf(done.error)
  throw new AuthorityError(
    `the order failed: ${problem === null ? "no reason given" : `${problem.detail} (${problem.type})`}`,
    {
      type: problem?.type ?? "",
    },
  )
}

/** First and longest time between two looks, and how long the authority may take, in milliseconds. */
const POLL = { firstMs: 500, longestMs: 10_000, allMs: 180_000 } as const

async function poll<T>(
  session: Session,
  what: string,
  look: (isFirst: boolean) => Promise<T | null>,
): Promise<T> {
  const { clock, signal } = session
  const untilMs = clock.now() + POLL.allMs
  for (let waitMs: number = POLL.firstMs, isFirst = true; ; waitMs *= 2, isFirst = false) {
    const found = await look(isFirst)
    if (found !== null) return found
    if (clock.now() > untilMs)
      throw new AuthorityError(`${what} stayed pending for ${POLL.allMs / 1000} s`, {
        type: "serverInternal",
      })
    const asked = Math.min(session.retryAfterMs, POLL.longestMs)
    await sleep(clock, Math.max(asked, Math.min(waitMs, POLL.longestMs)), signal)
  }
}

/** Before anything is replaced by it. */
function checked(pair: CertificatePair, host: string): CertificatePair {
  let names: string | undefined
  try {
    const certificate = new X509Certificate(pair.cert)
    names = certificate.subjectAltName
    const isOurs = certificate.checkPrivateKey(createPrivateKey(pair.key))
    if (isOurs && certificate.checkHost(host) !== undefined) return pair
  } catch (error) {
    throw new AuthorityError("what came is no certificate", { cause: error })
  }
  throw new AuthorityError(
    `the certificate is not for ${host} and its key, but for ${oneLine(names ?? "nobody")}`,
  )
}
