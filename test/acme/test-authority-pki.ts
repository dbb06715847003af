/** Keys and certificates of a test: an authority's root and intermediate, what they sign, and reading what others made. By @peculiar/x509, which acme-client brings. */
import { randomBytes, webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
const DAY_MS = 86_400_000
const SUBJECT_ALT_NAME = "2.5.29.17"
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31"

export interface Leaf {
  readonly names: readonly string[]
  readonly publicKey: x509.PublicKeyType
  readonly notBefore: Date
  readonly notAfter: Date
}

export class TestPki {
  readonly rootPem: string
  readonly intermediatePem: string
  readonly #issuer: x509.X509Certificate
  readonly #issuerKey: CryptoKeyOfNode

  private constructor(root: x509.X509Certificate, issuer: x509.X509Certificate, key: CryptoKeyOfNode) {
    this.rootPem = `${root.toString("pem")}\n`
    this.intermediatePem = `${issuer.toString("pem")}\n`
    this.#issuer = issuer
    this.#issuerKey = key
  }

  static async create(name: string): Promise<TestPki> {
    const life = {
      notBefore: new Date(Date.now() - 400 * DAY_MS),
      notAfter: new Date(Date.now() + 4000 * DAY_MS),
    }
    const rootKeys = await newKeys()
    const ca = (depth: number) => [
      new x509.BasicConstraintsExtension(true, depth, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ]
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      ...life,
      name: `CN=${name} Root`,
      keys: rootKeys,
      signingAlgorithm: ALGORITHM,
      serialNumber: serial(),
      extensions: ca(1),
    })
    const keys = await newKeys()
    const issuer = await x509.X509CertificateGenerator.create({
      ...life,
      subject: `CN=${name} Intermediate`,
      issuer: root.subject,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      serialNumber: serial(),
      extensions: ca(0),
    })
    return new TestPki(root, issuer, keys.privateKey)
  }

  /** @returns the chain without its root, PEM. */
  async sign({ names, publicKey, notBefore, notAfter }: Leaf): Promise<string> {
    const leaf = await x509.X509CertificateGenerator.create({
      subject: "",
      issuer: this.#issuer.subject,
      notBefore,
      notAfter,
      publicKey,
      signingKey: this.#issuerKey,
      signingAlgorithm: ALGORITHM,
      serialNumber: serial(),
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({
            type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
            value,
          })),
        ),
      ],
    })
    return `${leaf.toString("pem")}\n${this.intermediatePem}`
  }

  /** A certificate with its key, for a server of the test. */
  async pair(names: readonly string[], lifeMs = 30 * DAY_MS): Promise<{ cert: string; key: string }> {
    const keys = await newKeys()
    const notBefore = new Date(Date.now() - 3_600_000)
    const cert = await this.sign({
      names,
      publicKey: keys.publicKey,
      notBefore,
      notAfter: new Date(notBefore.getTime() + lifeMs),
    })
    const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey))
    return { cert, key: x509.PemConverter.encode(der, "PRIVATE KEY") }
  }
}

/** @throws Error: it is none, or its signature is wrong. */
export async function readCsr(der: Buffer): Promise<{ names: string[]; publicKey: x509.PublicKey }> {
  const csr = new x509.Pkcs10CertificateRequest(der)
  if (!(await csr.verify())) throw new Error("the signature of the CSR is wrong")
  return { names: namesOf(csr.getExtension(SUBJECT_ALT_NAME)), publicKey: csr.publicKey }
}

/** What RFC 8737 3 asks a validator to look at. */
export function readAlpnCertificate(der: Buffer): { names: string[]; digest: string; isCritical: boolean } {
  const certificate = new x509.X509Certificate(der)
  const extension = certificate.getExtension(ACME_IDENTIFIER)
  const value = Buffer.from(extension?.value ?? new ArrayBuffer(0))
  return {
    names: namesOf(certificate.getExtension(SUBJECT_ALT_NAME)),
    // An OCTET STRING of 32 bytes: 04 20, then they.
    digest: value.length === 34 && value[0] === 4 && value[1] === 32 ? value.subarray(2).toString("hex") : "",
    isCritical: extension?.critical === true,
  }
}

function namesOf(extension: x509.Extension | null): string[] {
  if (extension === null) return []
  return new x509.SubjectAlternativeNameExtension(extension.rawData).names.items.map((it) => it.value)
}

type CryptoKeyOfNode = webcrypto.CryptoKey

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair
}

function serial(): string {
  return `01${randomBytes(8).toString("hex")}`
}
