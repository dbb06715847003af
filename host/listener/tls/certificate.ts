/** One certificate and its key, read and checked: what is wrong with a pair is said in words that its owner can act on. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { createSecureContext } from "node:tls"
import { messageOf, PolyhostError } from "../../../protocol/errors.ts"

/** PEM: the certificate with those between it and its root, and its private key. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export interface Certificate extends CertificatePair {
  /** Lower case; `*.example.com` too. The first is what it is mostly for. */
  readonly names: readonly string[]
  readonly notAfter: Date
  /** `ec`, `rsa`: clients choose by it, so a name may have one of each. */
  readonly keyType: string
}

/** @throws PolyhostError CONFIG_INVALID: does not parse, key does not match. */
export function readCertificate({ cert, key }: CertificatePair): Certificate {
  const leaf = leafOf(cert)
  const privateKey = keyOf(key)
  if (!leaf.checkPrivateKey(privateKey))
    throw invalid("the key does not belong to the certificate (the first one in its file)")
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw invalid(`they cannot be used: ${messageOf(cause)}`, cause)
  }
  return {
    cert,
    key,
    names: namesOf(leaf),
    notAfter: new Date(leaf.validTo),
    keyType: privateKey.asymmetricKeyType ?? "",
  }
}

function leafOf(cert: string): X509Certificate {
  if (!cert.includes("-----BEGIN CERTIFICATE-----") && !cert.includes("-----BEGIN TRUSTED CERTIFICATE-----"))
    throw invalid(
      `the certificate is not PEM: ${cert.trim() === "" ? "it is empty" : "no BEGIN CERTIFICATE line"}`,
    )
  try {
    return new X509Certificate(cert)
  } catch (cause) {
    throw invalid(`the certificate does not parse: ${messageOf(cause)}`, cause)
  }
}

function keyOf(key: string): KeyObject {
  if (!/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(key))
    throw invalid(`the key is not PEM: ${key.trim() === "" ? "it is empty" : "no BEGIN PRIVATE KEY line"}`)
  try {
    return createPrivateKey(key)
  } catch (cause) {
    const isEncrypted = key.includes("ENCRYPTED")
    const why = isEncrypted
      ? "has a pass phrase; take it off with openssl pkey"
      : `does not parse: ${messageOf(cause)}`
    throw invalid(`the key ${why}`, cause)
  }
}

/** RFC 9525 6.3: the subject's name counts only where there is no other. */
function namesOf(leaf: X509Certificate): readonly string[] {
  const names = []
  // What needs quotes here is no host name.
  for (const part of (leaf.subjectAltName ?? "").split(", ")) {
    const match = /^(?:DNS|IP Address):([^"]+)$/.exec(part)
    if (match !== null) names.push(match[1]!.toLowerCase())
  }
  if (names.length > 0) return names
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1]
  return common === undefined ? [] : [common.toLowerCase()]
}

function invalid(why: string, cause?: unknown): PolyhostError {
  return new PolyhostError("CONFIG_INVALID", why, cause === undefined ? {} : { cause })
}
