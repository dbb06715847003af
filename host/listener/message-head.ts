/** A message of `node:http` written down again for the one reader of heads. */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"

export function headOf({ method, url, httpVersionMinor, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/1.${httpVersionMinor}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, "latin1")
}

export function schemeOf(socket: Socket): "http" | "https" {
  return "encrypted" in socket ? "https" : "http"
}
