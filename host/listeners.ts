/**
 * Listeners: all addresses of a host, opened and closed together, with what those with TLS share: certificates from files and from
 * ACME. What happens on a connection is `listener/`.
 */
import { PolyhostError } from "../protocol/errors.ts"
import { type Acme, createAcme } from "./acme/acme.ts"
import { parseListen } from "./config/index.ts"
import { NEEDS_CERTIFICATE } from "./config/tls.ts"
import { createListener } from "./listener/create-listener.ts"
import type { ListenerServices } from "./listener/http1/services.ts"
import type { ListenAddress, Listener } from "./listener/listener.ts"
import type { CertificateEntry } from "./listener/tls/certificates.ts"
import { Tls } from "./listener/tls/tls.ts"
import type { TlsSettings } from "./listener/tls/tls-settings.ts"
import type { Logger } from "./log/logger.ts"

export interface ListenersParts {
  /** Null: the host config says nothing of TLS. */
  readonly tls: TlsSettings | null
  readonly services: ListenerServices
  /** Folder for certificates that outlive the host. */
  readonly stateDir: string
  readonly log: Logger
}

export class Listeners {
  readonly #parts: ListenersParts
  readonly #opened: Listener[] = []
  #tls: Tls | null = null
  #acme: Acme | null = null

  private constructor(parts: ListenersParts) {
    this.#parts = parts
  }

  /** @throws PolyhostError HOST_LISTEN_FAILED, CONFIG_INVALID; what could be opened is closed again. */
  static async open(texts: readonly string[], parts: ListenersParts): Promise<Listeners> {
    const listeners = new Listeners(parts)
    try {
      await listeners.#open(texts.map((text) => addressOf(text)))
    } catch (error) {
      listeners.destroy()
      await listeners.close()
      throw error
    }
    return listeners
  }

  get urls(): readonly string[] {
    return this.#opened.map((listener) => listener.url)
  }

  get certificates(): readonly CertificateEntry[] {
    return this.#tls?.certificates.list() ?? []
  }

  /** Reads the files of certificates again, now: what has changed is shown to new connections afterwards. Never rejects. */
  async reloadCertificates(): Promise<void> {
    await this.#tls?.reload()
  }

  /** Resolves when all connections have ended. */
  async close(): Promise<void> {
    const closed = this.#opened.map((listener) => listener.close())
    await this.#acme?.close()
    await Promise.all(closed)
    await this.#tls?.close()
  }

  destroy(): void {
    for (const listener of this.#opened) listener.destroy()
  }

  async #open(addresses: readonly ListenAddress[]): Promise<void> {
    const { services } = this.#parts
    this.#tls = await this.#startTls(addresses.some((address) => "tls" in address && address.tls === true))
    for (const address of addresses) this.#opened.push(await createListener(address, services, this.#tls))
    // Whoever proves that a name is ours asks these listeners.
    await this.#acme?.start()
  }

  async #startTls(isAsked: boolean): Promise<Tls | null> {
    const { tls: settings, log, stateDir } = this.#parts
    const isEmpty = settings === null || (settings.certificates.length === 0 && settings.acme === null)
    if (isAsked && isEmpty) {
      const why = `cannot listen with TLS: an address that begins with https:// ${NEEDS_CERTIFICATE}`
      throw new PolyhostError("HOST_LISTEN_FAILED", why)
    }
    if (settings === null) return null
    if (!isAsked)
      log.warn(null, null, 'TLS: "tls" has no effect: no address under "listen" begins with https://')
    const tls = await Tls.start(settings, log)
    if (settings.acme === null || !isAsked) return tls
    const acme = createAcme(settings.acme, { store: tls.certificates, stateDir, log })
    tls.answersFirst = (exchange) => acme.answers(exchange)
    this.#acme = acme
    return tls
  }
}

/** @throws PolyhostError CONFIG_INVALID */
function addressOf(text: string): ListenAddress {
  const address = parseListen(text)
  if (!("problem" in address)) return address
  throw new PolyhostError("CONFIG_INVALID", `listen ${JSON.stringify(text)}: ${address.problem}`)
}
