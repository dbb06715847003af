/** What an authority checks of a signed request (RFC 8555 6): form, algorithm, address, nonce, signature; and the binding of an external account. */
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify, type webcrypto } from "node:crypto"

type JsonWebKey = webcrypto.JsonWebKey

export interface SignedRequest {
  /** "" with `kid`. */
  readonly thumbprint: string
  readonly jwk: JsonWebKey
  readonly kid: string
  /** Null: POST-as-GET. */
  readonly payload: Record<string, unknown> | null
}

export class Refused extends Error {
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, detail: string) {
    super(detail)
    this.status = status
    this.type = type
  }
}

export interface JwsContext {
  readonly url: string
  readonly takeNonce: (nonce: unknown) => boolean
  readonly keyOf: (kid: string) => JsonWebKey | undefined
}

export function readJws(text: string, { url, takeNonce, keyOf }: JwsContext): SignedRequest {
  const jws = JSON.parse(text) as Record<"protected" | "payload" | "signature", string>
  const header = fromBase64(jws.protected) as Record<"alg" | "nonce" | "url" | "kid", string> & {
    jwk?: JsonWebKey
  }
  if (header.alg !== "ES256") throw new Refused(400, "badSignatureAlgorithm", `alg ${header.alg}, not ES256`)
  if (header.url !== url) throw new Refused(401, "unauthorized", `signed for ${header.url}, sent to ${url}`)
  if ((header.jwk === undefined) === (header.kid === undefined))
    throw new Refused(400, "malformed", "either jwk or kid")
  const jwk = header.jwk ?? keyOf(header.kid)
  if (jwk === undefined) throw new Refused(400, "accountDoesNotExist", `no account ${header.kid}`)
  const isSigned = verify(
    "sha256",
    Buffer.from(`${jws.protected}.${jws.payload}`),
    { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
    Buffer.from(jws.signature, "base64url"),
  )
  if (!isSigned) throw new Refused(401, "unauthorized", "the signature is wrong")
  if (!takeNonce(header.nonce)) throw new Refused(400, "badNonce", `nonce ${header.nonce} is not good`)
  return {
    jwk,
    thumbprint: header.jwk === undefined ? "" : thumbprintOf(jwk),
    kid: header.kid ?? "",
    payload: jws.payload === "" ? null : (fromBase64(jws.payload) as Record<string, unknown>),
  }
}

/** RFC 8555 7.3.4. */
export function checkBinding(
  binding: unknown,
  { url, jwk, keys }: { url: string; jwk: JsonWebKey; keys: ReadonlyMap<string, string> },
): void {
  if (binding === undefined)
    throw new Refused(403, "externalAccountRequired", "an external account must be bound")
  const jws = binding as Record<"protected" | "payload" | "signature", string>
  const header = fromBase64(jws.protected) as Record<"alg" | "kid" | "url", string>
  const key = keys.get(header.kid)
  if (header.alg !== "HS256" || header.url !== url || key === undefined)
    throw new Refused(403, "unauthorized", `no external account ${header.kid}`)
  const mac = createHmac("sha256", Buffer.from(key, "base64url"))
    .update(`${jws.protected}.${jws.payload}`)
    .digest()
  const given = Buffer.from(jws.signature, "base64url")
  if (given.length !== mac.length || !timingSafeEqual(given, mac))
    throw new Refused(403, "unauthorized", "the external account binding is signed wrongly")
  if (thumbprintOf(fromBase64(jws.payload) as JsonWebKey) !== thumbprintOf(jwk))
    throw new Refused(403, "unauthorized", "the external account binding is for another key")
}

/** RFC 7638. */
export function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url")
}

function fromBase64(text: string): unknown {
  return JSON.parse(Buffer.from(text, "base64url").toString())
}
