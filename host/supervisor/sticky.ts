/**
 * Sticky: which instance must have a request, where an app has several (`sticky` of its manifest), and what is read of answers or
 * added to them for that. How a request waits for its instance: `held-requests.ts`.
 */
import { createHash, randomBytes } from "node:crypto"
import type { Exchange, RequestHead } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
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
      return engineSessions()
    case "cookie":
      return cookies(slots)
    case "address":
      return addresses(slots)
    case "off":
      return null
  }
}

/** A session of Engine.IO (socket.io) lives in the memory of the instance that began it. */
function engineSessions(): Sticky {
  const sessions = new EngineSessions()
  return {
    slotOf({ head }) {
      const id = sessionOf(head.target)
      return id === null ? null : sessions.get(id)
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
function cookies(slots: () => Iterable<Slot>): Sticky {
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
      if (given.length === 0) return null
      for (const slot of slots()) if (slot.takesRequests && given.includes(wordOf(slot))) return slot
      return null
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
