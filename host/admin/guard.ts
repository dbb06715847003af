/**
 * Who may call the admin API over TCP: whoever has the token, from no other web site. The unix socket needs none of it:
 * its mode is 0600.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import { AdminProblem } from "./problem.ts"

export interface Guard {
  readonly token: string
  /** Host name that the API was asked to listen on; "" for every address. */
  readonly listenHost: string
}

/** @throws AdminProblem UNAUTHORIZED, FORBIDDEN */
export function checkCaller(message: IncomingMessage, { token, listenHost }: Guard): void {
  const host = message.headers.host ?? ""
  // A name that an attacker's DNS points here (rebinding) is neither an address nor ours.
  if (!isOwnName(hostNameOf(host), listenHost)) {
    throw new AdminProblem("FORBIDDEN", "use the address that the host printed: this Host is not it")
  }
  const { origin } = message.headers
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new AdminProblem("FORBIDDEN", "calls from pages of another origin are refused")
  }
  const given = /^Bearer +(\S+) *$/i.exec(message.headers.authorization ?? "")?.[1] ?? ""
  if (!sameText(given, token)) {
    throw new AdminProblem("UNAUTHORIZED", 'send "Authorization: Bearer TOKEN"; the host printed it', {
      "WWW-Authenticate": "Bearer",
    })
  }
}

function hostNameOf(host: string): string {
  return host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase()
}

function isOwnName(name: string, listenHost: string): boolean {
  return isIP(name) !== 0 || name === "localhost" || (listenHost !== "" && name === listenHost.toLowerCase())
}

/** In the same time whatever they hold. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
