/**
 * Looks into the first record of a TLS client for the two things that decide before node:tls has it whether it comes for an ACME
 * challenge (RFC 8737): ALPN and the server's name. Only asked while there is a challenge. The bytes are a stranger's: whatever does
 * not fit is "no".
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

/** Name of the server that a client wants to see a challenge of; null: it wants something else. */
export function challengedName(bytes: Buffer): string | null {
  try {
    const extensions = extensionsOf(bytes)
    const protocols = extensions.get(ALPN)
    const names = extensions.get(SERVER_NAME)
    // RFC 8737 3: the one protocol and nothing else.
    if (protocols === undefined || names === undefined) return null
    const isAcme = protocols.length === 3 + ACME.length && protocols.subarray(3).equals(ACME)
    // A list of one name, of the only type there is (RFC 6066 3).
    const length = names.readUInt16BE(3)
    return isAcme && names[2] === 0 && names.length >= 5 + length
      ? names.toString("latin1", 5, 5 + length).toLowerCase()
      : null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
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
