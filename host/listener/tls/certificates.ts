/**
 * The certificates that the host shows, from files and from ACME alike, and which of them a client gets. Where they come from is
 * `certificate-files.ts` and `host/acme/`; what a handshake makes of them is `secure-contexts.ts`.
 */
import { type Certificate, type CertificatePair, readCertificate } from "./certificate.ts"

export interface CertificateStore {
  /**
   * Names from the certificate itself (SAN; CN else). Replaces what `owner` had; running connections keep what they have.
   * @throws PolyhostError CONFIG_INVALID: does not parse, key does not match
   */
  set(owner: string, pem: CertificatePair): void
  remove(owner: string): void
  /** For acme-tls/1 (RFC 8737); null ends it. @throws as `set` */
  challenge(host: string, pem: CertificatePair | null): void
  /** Names, owner and end of each certificate: for status and renewal. */
  list(): readonly CertificateEntry[]
}

export interface CertificateEntry {
  readonly owner: string
  readonly names: readonly string[]
  readonly notAfter: Date
}

export class Certificates implements CertificateStore {
  readonly #byOwner = new Map<string, Certificate>()
  readonly #challenges = new Map<string, Certificate>()
  #byName: ReadonlyMap<string, readonly Certificate[]> = new Map()
  #hasSeveral = false
  /** Something else is shown from now on. */
  changed: () => void = () => undefined

  set(owner: string, pem: CertificatePair): void {
    this.#byOwner.set(owner, readCertificate(pem))
    this.#index()
  }

  remove(owner: string): void {
    if (this.#byOwner.delete(owner)) this.#index()
  }

  challenge(host: string, pem: CertificatePair | null): void {
    const name = host.toLowerCase()
    if (pem === null) this.#challenges.delete(name)
    else this.#challenges.set(name, readCertificate(pem))
  }

  list(): readonly CertificateEntry[] {
    return [...this.#byOwner].map(([owner, { names, notAfter }]) => ({ owner, names, notAfter }))
  }

  /**
   * What a client that asks for `name` is shown: one certificate of each type of key. The name itself goes before a wildcard for
   * its first label. Empty: none is for it.
   */
  shownFor(name: string): readonly Certificate[] {
    const exact = this.#byName.get(name)
    if (exact !== undefined) return oneOfEachType(exact)
    const dot = name.indexOf(".")
    const wild = dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined
    return wild === undefined ? [] : oneOfEachType(wild)
  }

  /** What others are shown: the first certificate, and what else there is for its name. Empty: there is none at all yet. */
  shownToOthers(): readonly Certificate[] {
    const [first] = this.#byOwner.values()
    if (first === undefined) return []
    return first.names[0] === undefined ? [first] : this.shownFor(first.names[0])
  }

  challengeFor(name: string): Certificate | undefined {
    return this.#challenges.get(name.toLowerCase())
  }

  /** Whether it takes more than a name to find what a client is shown: a challenge, or one of several types of key. */
  get needsHello(): boolean {
    return this.hasChallenges || this.#hasSeveral
  }

  get hasChallenges(): boolean {
    return this.#challenges.size > 0
  }

  #index(): void {
    const byName = new Map<string, Certificate[]>()
    for (const certificate of this.#byOwner.values()) {
      for (const name of certificate.names) {
        const same = byName.get(name)
        if (same === undefined) byName.set(name, [certificate])
        else same.push(certificate)
      }
    }
    this.#byName = byName
    this.#hasSeveral = [...byName.values()].some((same) => oneOfEachType(same).length > 1)
    this.changed()
  }
}

/** The first of each type, but none that has ended while another has not. */
function oneOfEachType(certificates: readonly Certificate[]): readonly Certificate[] {
  if (certificates.length === 1) return certificates
  const now = new Date()
  const chosen = new Map<string, Certificate>()
  for (const one of certificates) {
    const other = chosen.get(one.keyType)
    if (other === undefined || (other.notAfter < now && one.notAfter >= now)) chosen.set(one.keyType, one)
  }
  return [...chosen.values()]
}
