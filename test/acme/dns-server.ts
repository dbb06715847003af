/** A name server (RFC 1035) for which every name is at 127.0.0.1: pebble asks it where to look for proofs. */
import { createSocket } from "node:dgram"

export interface DnsServer {
  /** `127.0.0.1:5353`. */
  readonly address: string
  close(): Promise<void>
}

const A = 1
const HEADER_BYTES = 12

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4")
  socket.on("message", (query, { port, address }) => socket.send(answerTo(query), port, address))
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function answerTo(query: Buffer): Buffer {
  let end = HEADER_BYTES
  while ((query[end] ?? 0) !== 0) end += 1 + (query[end] as number)
  const question = query.subarray(HEADER_BYTES, end + 5)
  const isA = query.readUInt16BE(end + 1) === A
  const header = Buffer.from(query.subarray(0, HEADER_BYTES))
  // An answer, recursion available; one question, one answer or none (AAAA, CAA), nothing else.
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(isA ? 1 : 0, 6)
  header.writeUInt32BE(0, 8)
  // The name of the question again, A, IN, 0 seconds, 4 bytes.
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([header, question, ...(isA ? [record] : [])])
}
