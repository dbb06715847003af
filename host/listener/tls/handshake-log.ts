/** HandshakeLog: says why handshakes fail, in few lines: whoever scans the port must not fill the log. */
import type { Logger } from "../../log/logger.ts"

/** Between two lines, in milliseconds. */
const QUIET_MS = 60_000

export class HandshakeLog {
  readonly #log: Pick<Logger, "info">
  #spokeMs = Number.NEGATIVE_INFINITY
  #unsaid = 0

  constructor(log: Pick<Logger, "info">) {
    this.#log = log
  }

  failed(clientAddress: string, why: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#spokeMs < QUIET_MS) {
      this.#unsaid++
      return
    }
    const others = this.#unsaid === 0 ? "" : `; ${this.#unsaid} others have failed since the last such line`
    this.#log.info(null, null, `TLS: a handshake failed: ${why} (client ${clientAddress})${others}`)
    this.#spokeMs = nowMs
    this.#unsaid = 0
  }
}
