/**
 * Tls: what the listeners of a host share for TLS: certificates, contexts of handshakes, the files that both come from, and their
 * timers. Owns none of the connections. ACME is another owner of certificates (`host/acme/`), put together with this in `host.ts`.
 */
import { X509Certificate } from "node:crypto"
import { messageOf, PolyhostError } from "../../../protocol/errors.ts"
import type { HostExchange } from "../../exchange.ts"
import type { Logger } from "../../log/logger.ts"
import { type CertificateEntry, Certificates } from "./certificates.ts"
import { FileWatch } from "./file-watch.ts"
import { HandshakeLog } from "./handshake-log.ts"
import { SecureContexts } from "./secure-contexts.ts"
import type { CertificateFiles, TlsSettings } from "./tls-settings.ts"

/** How often the keys of session tickets change, and the ends of certificates are looked at, in milliseconds. */
const TURN_MS = 12 * 3_600_000
const WARN_BEFORE_MS = 14 * 24 * 3_600_000

export class Tls {
  readonly settings: TlsSettings
  readonly certificates = new Certificates()
  readonly contexts: SecureContexts
  readonly failures: HandshakeLog
  /** Where requests without TLS are sent to: port of the first listener with TLS. */
  httpsPort: number | null = null
  /** Whether it has answered a request that came without TLS, before anything else is asked. */
  answersFirst: (exchange: HostExchange) => boolean = () => false
  readonly #log: Logger
  readonly #files: FileWatch
  readonly #timer: NodeJS.Timeout

  private constructor(settings: TlsSettings, log: Logger) {
    this.settings = settings
    this.#log = log
    this.contexts = new SecureContexts(this.certificates, settings.minVersion)
    this.failures = new HandshakeLog(log)
    this.#files = new FileWatch((why) => log.warn(null, null, `TLS: ${why}. What was in use stays in use.`))
    this.#timer = setInterval(() => this.#turn(), TURN_MS)
    this.#timer.unref()
  }

  /** @throws PolyhostError CONFIG_INVALID, naming the files and what is wrong with them. */
  static async start(settings: TlsSettings, log: Logger): Promise<Tls> {
    const tls = new Tls(settings, log)
    try {
      for (const files of settings.certificates) await tls.#addCertificate(files)
      if (settings.clientAuth !== null) await tls.#addClientCa(settings.clientAuth.caFile)
    } catch (error) {
      await tls.close()
      throw error instanceof PolyhostError
        ? error
        : new PolyhostError("CONFIG_INVALID", `"tls": ${messageOf(error)}`, { cause: error })
    }
    return tls
  }

  /** Reads the files again, now. */
  reload(): Promise<void> {
    return this.#files.reload()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#files.close()
  }

  async #addCertificate({ certFile, keyFile }: CertificateFiles): Promise<void> {
    let isFirst = true
    const use = ([cert = "", key = ""]: readonly string[]): void => {
      try {
        this.certificates.set(certFile, { cert, key })
      } catch (error) {
        const why = `certificate ${certFile} with key ${keyFile}: ${messageOf(error)}`
        throw new PolyhostError("CONFIG_INVALID", why, { cause: error })
      }
      const entry = this.certificates.list().find(({ owner }) => owner === certFile)
      if (entry !== undefined) this.#tell(entry, isFirst)
      isFirst = false
    }
    await this.#files.add({ files: [certFile, keyFile], use })
  }

  async #addClientCa(caFile: string): Promise<void> {
    let isFirst = true
    const use = ([pem = ""]: readonly string[]): void => {
      try {
        new X509Certificate(pem)
      } catch (error) {
        throw new PolyhostError("CONFIG_INVALID", `"clientAuth.ca" ${caFile}: ${messageOf(error)}`)
      }
      this.contexts.clientCa = pem
      if (!isFirst)
        this.#log.info(null, null, `TLS: clients' certificates are checked against ${caFile} anew`)
      isFirst = false
    }
    await this.#files.add({ files: [caFile], use })
  }

  #tell(entry: CertificateEntry, isFirst: boolean): void {
    if (!isFirst)
      this.#log.info(null, null, `TLS: new certificate for ${namesOf(entry)}, good until ${dayOf(entry)}`)
    this.#warn(entry)
  }

  #warn(entry: CertificateEntry): void {
    const leftMs = entry.notAfter.getTime() - Date.now()
    if (leftMs > WARN_BEFORE_MS) return
    const when = leftMs < 0 ? "has expired on" : "expires on"
    this.#log.warn(
      null,
      null,
      `TLS: the certificate for ${namesOf(entry)} ${when} ${dayOf(entry)} (${entry.owner})`,
    )
  }

  #turn(): void {
    this.contexts.rotateTicketKeys()
    const own = new Set(this.settings.certificates.map(({ certFile }) => certFile))
    for (const entry of this.certificates.list()) if (own.has(entry.owner)) this.#warn(entry)
  }
}

function namesOf({ names }: CertificateEntry): string {
  const most = names.slice(0, 5).join(", ")
  return names.length > 5 ? `${most} and ${names.length - 5} others` : most || "no name"
}

function dayOf({ notAfter }: CertificateEntry): string {
  return notAfter.toISOString()
}
