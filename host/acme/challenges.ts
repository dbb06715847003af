/** What this host shows while an authority looks: http-01 tokens (RFC 8555 8.3) here, tls-alpn-01 certificates (RFC 8737) by the store. */
import type { HostExchange } from "../exchange.ts"
import type { CertificateStore } from "../listener/tls/certificates.ts"
import type { ChallengeType } from "../listener/tls/tls-settings.ts"
import type { AcmeLibrary } from "./session.ts"

export interface Proof {
  readonly host: string
  readonly token: string
  /** Key authorization (RFC 8555 8.1). */
  readonly text: string
}

const PATH = "/.well-known/acme-challenge/"

export class Challenges {
  readonly #store: Pick<CertificateStore, "challenge">
  readonly #tokens = new Map<string, string>()

  constructor(store: Pick<CertificateStore, "challenge">) {
    this.#store = store
  }

  /** @returns what ends it. */
  async show(type: ChallengeType, proof: Proof, { crypto }: AcmeLibrary): Promise<() => void> {
    const { host, token, text } = proof
    if (type === "http-01") {
      this.#tokens.set(token, text)
      return () => this.#tokens.delete(token)
    }
    const authorization = { identifier: { type: "dns", value: host } }
    const key = await crypto.createPrivateEcdsaKey("P-256")
    // Of the authorization it reads the name alone.
    const [, cert] = await crypto.createAlpnCertificate(authorization as AlpnAuthorization, text, key)
    this.#store.challenge(host, { cert: String(cert), key: String(key) })
    return () => this.#store.challenge(host, null)
  }

  /** False: it is no token of ours. An app may speak ACME itself, and has its own below the same path. */
  answers(exchange: HostExchange): boolean {
    const { path } = exchange
    if (this.#tokens.size === 0 || !path.startsWith(PATH)) return false
    const text = this.#tokens.get(path.slice(PATH.length))
    if (text === undefined) return false
    const { method } = exchange.head
    if (method !== "GET" && method !== "HEAD") return false
    exchange.respond({ status: 200, reason: "", lines: LINES }, Buffer.from(text, "latin1"), true)
    return true
  }
}

type AlpnAuthorization = Parameters<AcmeLibrary["crypto"]["createAlpnCertificate"]>[0]

const LINES = Buffer.from("Content-Type: text/plain\r\nCache-Control: no-store\r\n", "latin1")
