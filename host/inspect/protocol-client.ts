/**
 * Asks an inspector: requests with answers, and events, in the Chrome DevTools Protocol. What comes is an app's to make up: it
 * is checked where it is used, and a message that is none ends the session.
 */
import { PolyhostError } from "../../protocol/errors.ts"
import type { InspectorLink } from "../../runtimes/runtime.ts"

export type Fields = Readonly<Record<string, unknown>>

export class ProtocolClient {
  readonly #link: InspectorLink
  readonly #waiting = new Map<number, { resolve: (result: Fields) => void; reject: (error: Error) => void }>()
  readonly #onEvent: (method: string, params: Fields) => void
  #lastId = 0
  #closed: PolyhostError | null = null
  /** Rejects when the session is over. */
  readonly failed: Promise<never>
  #reject!: (error: Error) => void

  /** Listens to the link; who made it closes it. */
  constructor(link: InspectorLink, onEvent: (method: string, params: Fields) => void) {
    this.#link = link
    this.#onEvent = onEvent
    this.failed = new Promise((_, reject) => {
      this.#reject = reject
    })
    this.failed.catch(() => undefined)
    link.listen({
      message: (text) => this.#message(text),
      closed: (reason) => this.fail(reason),
    })
  }

  /** @throws PolyhostError RUNTIME_INSPECTOR_FAILED */
  ask(method: string, params: Fields = {}): Promise<Fields> {
    if (this.#closed !== null) return Promise.reject(this.#closed)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#link.send(JSON.stringify({ id, method, params }))
    })
  }

  /** Nothing is answered any more: whoever waits hears why. */
  fail(reason: string): void {
    this.#closed ??= new PolyhostError("RUNTIME_INSPECTOR_FAILED", `its inspector broke off: ${reason}`)
    this.#reject(this.#closed)
    for (const { reject } of this.#waiting.values()) reject(this.#closed)
    this.#waiting.clear()
  }

  #message(text: string): void {
    const message = parse(text)
    if (message === null) return this.fail("it sent what is no message")
    const { id, method } = message
    if (typeof method === "string") this.#onEvent(method, fields(message["params"]))
    if (typeof id !== "number") return
    const asked = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (message["error"] === undefined) asked?.resolve(fields(message["result"]))
    else {
      const why = String(fields(message["error"])["message"] ?? "no reason given").slice(0, 500)
      asked?.reject(new PolyhostError("RUNTIME_INSPECTOR_FAILED", `its inspector refused: ${why}`))
    }
  }
}

function parse(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? (value as Fields) : null
  } catch {
    return null
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {}
}
