/**
 * Sticky: which instance must have a request, where an app has several (`sticky` of its manifest), and what is read of answers or
 * added to them for that. How a request waits for its instance: `held-requests.ts`.
 */
import { createHash, randomBytes } from "node:crypto"
import type { Exchange, RequestHead } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import { LATE_MS } from "./choose-slot.ts"
import { EngineSessions, isHandshake, sessionOf } from "./engine-sessions.ts"
import { FilteredExchange } from "./filtered-exchange.ts"
import type { Slot } from "./slot.ts"

export interface Sticky {
  /** The instance that must have the request; null: any. */
  slotOf(exchange: HostExchange): Slot | null
  /** What an instance answers in place of `exchange`, which is that of `request` or stands in front of it. */
  filter(request: HostExchange, exchange: Exchange, slot: Slot): Exchange
}

/** Null: any instance may have any request, and nobody looks at them. */
export function createSticky(spec: AppSpec, slots: () => Iterable<Slot>): Sticky | null {
  if (spec.instances.max <= 1) return null
  switch (spec.sticky) {
    case "auto":
      return engineSessions(new Turns(spec, slots))
    case "cookie":
      return cookies(slots, new Turns(spec, slots))
    case "address":
      return addresses(slots)
    case "off":
      return null
  }
}

/** A session of Engine.IO (socket.io) lives in the memory of the instance that began it. */
function engineSessions(turns: Turns): Sticky {
  const sessions = new EngineSessions()
  return {
    slotOf({ head }) {
      const id = sessionOf(head.target)
      if (id !== null) return sessions.get(id)
      return isHandshake(head.target) ? turns.next() : null
    },
    filter(request, exchange, slot) {
      if (request.head.upgrade !== "" || !isHandshake(request.head.target)) return exchange
      return new FilteredExchange(exchange, request.ticket, {
        firstBody: (bytes) => sessions.learn(bytes, slot),
      })
    },
  }
}

const COOKIE = "polyhost_instance"
/** Instances that a client's cookie names: apps below different paths of one host share it. */
const MOST_IDS = 8
const ID = /^[\w-]{12}$/

/** The cookie has a random word for each instance: it tells a client nothing, and one that makes up words finds none. */
function cookies(slots: () => Iterable<Slot>, turns: Turns): Sticky {
  const words = new WeakMap<Slot, string>()
  function wordOf(slot: Slot): string {
    let word = words.get(slot)
    if (word === undefined) {
      word = randomBytes(9).toString("base64url")
      words.set(slot, word)
    }
    return word
  }
  return {
    slotOf({ head }) {
      const given = cookieWords(head)
      if (given.length > 0)
        for (const slot of slots()) if (slot.takesRequests && given.includes(wordOf(slot))) return slot
      return turns.next()
    },
    filter(request, exchange, slot) {
      const given = cookieWords(request.head)
      const word = wordOf(slot)
      if (given.includes(word)) return exchange
      const value = [...given, word].slice(-MOST_IDS).join(".")
      const secure = request.head.scheme === "https" ? "; Secure" : ""
      const line = `Set-Cookie: ${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}\r\n`
      return new FilteredExchange(exchange, request.ticket, { line: Buffer.from(line, "latin1") })
    },
  }
}

function cookieWords(head: RequestHead): string[] {
  const bytes = Buffer.allocUnsafe(head.headerBytes)
  const text = bytes.toString("latin1", 0, head.writeHeaders(bytes, 0))
  for (const [, cookies = ""] of text.matchAll(/^cookie:(.*)$/gim))
    for (const pair of cookies.split(";")) {
      const [name, value = ""] = pair.trim().split("=", 2)
      if (name === COOKIE) return value.split(".").filter((word) => ID.test(word))
    }
  return []
}

/**
 * Which instance a client begins with: each in its turn. Where requests are answered quickly the least busy one is nearly always the
 * first, and whoever begins there stays there.
 */
class Turns {
  readonly #concurrency: number
  readonly #slots: () => Iterable<Slot>
  readonly #last = new WeakMap<Slot, number>()
  #count = 0

  constructor({ concurrency }: AppSpec, slots: () => Iterable<Slot>) {
    this.#concurrency = concurrency
    this.#slots = slots
  }

  /** @returns null when none has room and is on time. */
  next(): Slot | null {
    let next: Slot | null = null
    let longest = Number.POSITIVE_INFINITY
    for (const slot of this.#slots()) {
      if (!slot.takesRequests || slot.inFlight >= this.#concurrency) continue
      if ((slot.instance?.silentMs() ?? 0) > LATE_MS) continue
      const last = this.#last.get(slot) ?? 0
      if (last < longest) {
        next = slot
        longest = last
      }
    }
    if (next !== null) this.#last.set(next, ++this.#count)
    return next
  }
}

/** Of all instances the one that has the highest hash with the client's address: one more or less moves few clients. */
function addresses(slots: () => Iterable<Slot>): Sticky {
  return {
    slotOf({ head }) {
      let best: Slot | null = null
      let highest = -1
      for (const slot of slots()) {
        if (!slot.takesRequests) continue
        const hash = createHash("sha1").update(`${slot.id} ${head.clientAddress}`).digest().readUInt32BE()
        if (hash > highest) {
          best = slot
          highest = hash
        }
      }
      return best
    },
    filter: (_request, exchange) => exchange,
  }
}
