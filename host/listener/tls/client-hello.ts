/**
 * Looks into the first record of a TLS client, where the choice must be made before node:tls has it: for an ACME challenge
 * (RFC 8737), and for a name with several certificates, of which `SNICallback` would show one only. The bytes are a stranger's:
 * what does not fit says nothing, and OpenSSL is the judge of it.
 */

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER_BYTES = 5
const SERVER_NAME = 0
const ALPN = 16
const ACME = Buffer.from("acme-tls/1", "latin1")

/** TLS begins with a handshake record; no other protocol spoken here begins with that byte. */
export function isTls(bytes: Buffer): boolean {
  return bytes[0] === HANDSHAKE
}

/** The first record is here, as long as it says. */
export function isRecordWhole(bytes: Buffer): boolean {
  return bytes.length >= RECORD_HEADER_BYTES && bytes.length >= RECORD_HEADER_BYTES + bytes.readUInt16BE(3)
}

export interface ClientHello {
  /** The host that the client asks for, lower case, or null. */
  readonly name: string | null
  /** It wants the proof of a challenge and nothing else (RFC 8737 3). */
  readonly isChallenge: boolean
}

export function readClientHello(bytes: Buffer): ClientHello {
  try {
    const extensions = extensionsOf(bytes)
    const protocols = extensions.get(ALPN)
    const isChallenge =
      protocols !== undefined && protocols.length === 3 + ACME.length && protocols.subarray(3).equals(ACME)
    return { name: nameOf(extensions.get(SERVER_NAME)), isChallenge }
  } catch (error) {
    if (error instanceof RangeError) return NOTHING
    throw error
  }
}

const NOTHING: ClientHello = { name: null, isChallenge: false }

/** A list of one name, of the only type there is (RFC 6066 3). */
function nameOf(extension: Buffer | undefined): string | null {
  if (extension === undefined || extension.readUInt8(2) !== 0) return null
  const length = extension.readUInt16BE(3)
  return extension.length >= 5 + length ? extension.toString("latin1", 5, 5 + length).toLowerCase() : null
}

/** RFC 8446 4.1.2. Reads of what is not there throw RangeError. */
function extensionsOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  if (!isTls(bytes) || bytes.readUInt8(RECORD_HEADER_BYTES) !== CLIENT_HELLO) return found
  // After the headers of record and message: version, random.
  let at = RECORD_HEADER_BYTES + 4 + 2 + 32
  at += 1 + bytes.readUInt8(at)
  at += 2 + bytes.readUInt16BE(at)
  at += 1 + bytes.readUInt8(at)
  const end = at + 2 + bytes.readUInt16BE(at)
  for (at += 2; at < end; ) {
    const length = bytes.readUInt16BE(at + 2)
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return found
}
