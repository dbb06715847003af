/** What the host config says of TLS, with its defaults. `host/config/tls.ts` makes it; paths are absolute. */

export interface TlsSettings {
  /** The first answers for names that none has. */
  readonly certificates: readonly CertificateFiles[]
  readonly acme: AcmeSettings | null
  readonly minVersion: "TLSv1.2" | "TLSv1.3"
  readonly clientAuth: { readonly caFile: string; readonly required: boolean } | null
  /** Value of Strict-Transport-Security on answers over TLS; "": none is sent. */
  readonly hsts: string
  /** Requests without TLS are answered 308 with the same URL at https. */
  readonly redirect: boolean
}

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export type ChallengeType = "tls-alpn-01" | "http-01"

export interface AcmeSettings {
  /** Lower case. One certificate each. */
  readonly hosts: readonly string[]
  readonly email: string | null
  /** Directory URL of the authority; null: Let's Encrypt's. */
  readonly directory: string | null
  readonly challenges: readonly ChallengeType[]
  /** Root of the authority's own https; null: the usual ones. */
  readonly caFile: string | null
  readonly externalAccount: { readonly id: string; readonly key: string } | null
}
