/**
 * What a header line of a request means to the host, told from its name in bytes: by length first, since most names need no
 * comparison. Hop-by-hop fields: RFC 9110 7.6.1. Forwarded fields are the host's own statement, never an untrusted client's.
 */
import { equalsIgnoringCase, lowerCase } from "../../../protocol/http1/syntax.ts"

export const RequestField = {
  pass: 0,
  drop: 1,
  host: 2,
  connection: 3,
  contentLength: 4,
  transferEncoding: 5,
  expect: 6,
  accept: 7,
  /** Says who the client is: only a trusted proxy's is believed. */
  forwarded: 8,
  forwardedFor: 9,
  forwardedProto: 10,
  forwardedHost: 11,
  requestId: 12,
  upgrade: 13,
} as const

export type RequestFieldNumber = (typeof RequestField)[keyof typeof RequestField]

/** The field whose name is `bytes[start, end)`. */
export function requestField(bytes: Uint8Array, start: number, end: number): RequestFieldNumber {
  const first = bytes[start]! | 32
  if (first === LOWER_X) return extensionField(bytes, start, end)
  switch (end - start) {
    case 2:
      return is(bytes, start, end, "te") ? RequestField.drop : RequestField.pass
    case 4:
      return is(bytes, start, end, "host") ? RequestField.host : RequestField.pass
    case 6:
      if (is(bytes, start, end, "accept")) return RequestField.accept
      return is(bytes, start, end, "expect") ? RequestField.expect : RequestField.pass
    case 7:
      return is(bytes, start, end, "upgrade") ? RequestField.upgrade : RequestField.pass
    case 9:
      return is(bytes, start, end, "forwarded") ? RequestField.forwarded : RequestField.pass
    case 10:
      if (is(bytes, start, end, "connection")) return RequestField.connection
      return is(bytes, start, end, "keep-alive") ? RequestField.drop : RequestField.pass
    case 11:
      return clientCertField(bytes, start, end)
    case 14:
      return is(bytes, start, end, "content-length") ? RequestField.contentLength : RequestField.pass
    case 16:
      // Some readers take it for Connection: after its `close` they would read no further request.
      return is(bytes, start, end, "proxy-connection") ? RequestField.connection : RequestField.pass
    case 17:
      if (is(bytes, start, end, "transfer-encoding")) return RequestField.transferEncoding
      return clientCertField(bytes, start, end)
    default:
      return RequestField.pass
  }
}

/**
 * Fields whose name begins with x. Interfaces like CGI make `X_Forwarded_For` and `X-Forwarded-For` the same variable, so
 * nobody may set those spelled with `_`: no proxy does, and what a proxy passes on unseen is its client's word.
 */
function extensionField(bytes: Uint8Array, start: number, end: number): RequestFieldNumber {
  const field = hostsOwnField(bytes, start, end)
  return field !== RequestField.pass && bytes.subarray(start, end).includes(UNDERSCORE)
    ? RequestField.drop
    : field
}

/** RFC 9440: who shows a certificate on the client's connection, which is the host's to say. */
function clientCertField(bytes: Uint8Array, start: number, end: number): RequestFieldNumber {
  const length = end - start
  const isOne =
    (length === 11 && isSpelled(bytes, start, "client-cert")) ||
    (length === 17 && isSpelled(bytes, start, "client-cert-chain"))
  if (!isOne) return RequestField.pass
  return bytes.subarray(start, end).includes(UNDERSCORE) ? RequestField.drop : RequestField.forwarded
}

function hostsOwnField(bytes: Uint8Array, start: number, end: number): RequestFieldNumber {
  const length = end - start
  if (length === 9 && isSpelled(bytes, start, "x-real-ip")) return RequestField.forwarded
  if (length === 10 && isSpelled(bytes, start, "x-sendfile")) return RequestField.drop
  if (length < 12) return RequestField.pass
  if (length === 12 && isSpelled(bytes, start, "x-request-id")) return RequestField.requestId
  if (isSendfileField(bytes, start, length)) return RequestField.drop
  if (!isSpelled(bytes, start, "x-forwarded-")) return RequestField.pass
  if (length === 15 && isSpelled(bytes, start, "x-forwarded-for")) return RequestField.forwardedFor
  if (length === 17 && isSpelled(bytes, start, "x-forwarded-proto")) return RequestField.forwardedProto
  if (length === 16 && isSpelled(bytes, start, "x-forwarded-host")) return RequestField.forwardedHost
  return RequestField.forwarded
}

/** What a proxy tells an app of the files that it sends in its place (Rack::Sendfile believes it): never a client's to say. */
function isSendfileField(bytes: Uint8Array, start: number, length: number): boolean {
  return (
    (length === 15 &&
      (isSpelled(bytes, start, "x-sendfile-type") || isSpelled(bytes, start, "x-accel-mapping"))) ||
    (length === 16 && isSpelled(bytes, start, "x-accel-redirect"))
  )
}

/** `_` counts as `-`. */
function isSpelled(bytes: Uint8Array, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i]!
    if ((byte === UNDERSCORE ? DASH : lowerCase(byte)) !== lower.charCodeAt(i)) return false
  }
  return true
}

const is = equalsIgnoringCase
const LOWER_X = 120
const UNDERSCORE = 95
const DASH = 45
