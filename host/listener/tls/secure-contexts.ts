/**
 * SecureContexts: what a handshake works with (node:tls), made of certificates and settings: versions, ciphers, the keys of session
 * tickets, and the roots that clients' certificates are checked against. Nothing here touches a connection that exists.
 */
import { constants, createHash, randomBytes } from "node:crypto"
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls"
import type { Certificate } from "./certificate.ts"
import type { Certificates } from "./certificates.ts"
import type { TlsSettings } from "./tls-settings.ts"

/** Those of TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticated encryption (RFC 9325 4.2). The client chooses. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":")

/** What node:tls takes: 16 bytes of name, 32 of keys. */
const TICKET_KEY_BYTES = 48
const TICKET_SECONDS = 7200

export class SecureContexts {
  readonly #certificates: Certificates
  readonly #minVersion: TlsSettings["minVersion"]
  readonly #contexts = new Map<Certificate, SecureContext>()
  readonly #listeners = new Set<() => void>()
  #clientCa: string | null = null
  /** The same for all names and certificates, so that a ticket is good after a certificate was replaced. */
  #ticketKeys = randomBytes(TICKET_KEY_BYTES)

  constructor(certificates: Certificates, minVersion: TlsSettings["minVersion"]) {
    this.#certificates = certificates
    this.#minVersion = minVersion
    certificates.changed = () => this.#renew()
  }

  /** Roots of clients' certificates, PEM. */
  set clientCa(pem: string) {
    this.#clientCa = pem
    this.#renew()
  }

  /** Tickets so far are worth nothing from now on: whoever learns a key reads no more than its time. */
  rotateTicketKeys(): void {
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES)
    this.#renew()
  }

  /** For a client that names no host, or one that no certificate is for. */
  options(): SecureContextOptions {
    return this.#optionsOf(this.#certificates.shownToOthers())
  }

  /** Undefined: that of `options`. Node takes one certificate of it: see `severalFor`. */
  forName(name: string): SecureContext | undefined {
    const [first] = this.#certificates.shownFor(name)
    if (first === undefined) return undefined
    let context = this.#contexts.get(first)
    if (context === undefined) {
      context = createSecureContext(this.#optionsOf([first]))
      this.#contexts.set(first, context)
    }
    return context
  }

  /** What to make a server of for a name with several certificates, which `forName` cannot give; null: it has one or none. */
  severalFor(name: string): { readonly first: Certificate; readonly options: SecureContextOptions } | null {
    const shown = this.#certificates.shownFor(name)
    const [first] = shown
    return first === undefined || shown.length === 1 ? null : { first, options: this.#optionsOf(shown) }
  }

  /** Undefined: no challenge is under way for it. */
  forChallenge(name: string): SecureContext | undefined {
    const certificate = this.#certificates.challengeFor(name)
    return certificate && createSecureContext({ cert: certificate.cert, key: certificate.key })
  }

  /** `listener` is called when `options` has changed. @returns takes it away again. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #optionsOf(certificates: readonly Certificate[]): SecureContextOptions {
    return {
      cert: certificates.map(({ cert }) => cert),
      key: certificates.map(({ key }) => key),
      ...(this.#clientCa === null ? {} : { ca: this.#clientCa }),
      minVersion: this.#minVersion,
      maxVersion: "TLSv1.3",
      ciphers: CIPHERS,
      honorCipherOrder: false,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
      ticketKeys: this.#ticketKeys,
      sessionTimeout: TICKET_SECONDS,
      // A session does not outlive the roots that its client was checked against.
      sessionIdContext: createHash("sha256")
        .update(this.#clientCa ?? "")
        .digest("hex")
        .slice(0, 32),
    }
  }

  #renew(): void {
    this.#contexts.clear()
    for (const listener of this.#listeners) listener()
  }
}
