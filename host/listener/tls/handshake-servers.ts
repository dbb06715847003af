/**
 * HandshakeServers: the servers of node:tls that make the handshakes of one listener; none of them listens. One is for nearly
 * everybody and finds its certificate by name; names with several certificates have one each, and challenges of ACME theirs.
 */
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls"
import type { Certificate } from "./certificate.ts"
import { readClientHello } from "./client-hello.ts"
import type { Tls } from "./tls.ts"

export interface HandshakeEvents {
  /** A handshake is done. */
  secure(socket: TLSSocket): void
  /** The same for a challenge of ACME: nothing is said there. */
  proved(socket: TLSSocket): void
  failed(socket: TLSSocket, error: Error): void
}

const ACME = "acme-tls/1"

export class HandshakeServers {
  readonly #tls: Tls
  readonly #options: TlsOptions
  readonly #events: HandshakeEvents
  readonly #usual: Server
  readonly #challenges: Server
  readonly #several = new Map<Certificate, Server>()
  readonly #stopFollowing: () => void

  /** `offered`: protocols for ALPN, best first. */
  constructor(tls: Tls, offered: readonly string[], events: HandshakeEvents) {
    const { contexts, settings } = tls
    this.#tls = tls
    this.#events = events
    this.#options = {
      requestCert: settings.clientAuth !== null,
      rejectUnauthorized: settings.clientAuth?.required === true,
      ALPNCallback: ({ protocols }) => offered.find((one) => protocols.includes(one)),
    }
    const byName: TlsOptions["SNICallback"] = (name, done) => done(null, contexts.forName(name.toLowerCase()))
    this.#usual = this.#create({ ...contexts.options(), SNICallback: byName })
    this.#challenges = createServer({
      SNICallback: (name, done) => done(null, contexts.forChallenge(name)),
      ALPNProtocols: [ACME],
    })
    this.#challenges.on("secureConnection", (socket) => events.proved(socket))
    this.#challenges.on("tlsClientError", (error, socket) => events.failed(socket, error))
    this.#stopFollowing = contexts.onChange(() => {
      this.#several.clear()
      this.#usual.setSecureContext(contexts.options())
    })
  }

  /** The server for a client that begins with `bytes`. */
  for(bytes: Buffer): Server {
    const { certificates } = this.#tls
    if (!certificates.needsHello) return this.#usual
    const { name, isChallenge } = readClientHello(bytes)
    if (name === null) return this.#usual
    if (isChallenge && certificates.challengeFor(name) !== undefined) return this.#challenges
    return this.#severalFor(name) ?? this.#usual
  }

  close(): void {
    this.#stopFollowing()
  }

  #severalFor(name: string): Server | null {
    const several = this.#tls.contexts.severalFor(name)
    if (several === null) return null
    let server = this.#several.get(several.first)
    if (server === undefined) {
      server = this.#create(several.options)
      this.#several.set(several.first, server)
    }
    return server
  }

  #create(options: TlsOptions): Server {
    const server = createServer({ ...options, ...this.#options })
    server.on("secureConnection", (socket) => this.#events.secure(socket))
    server.on("tlsClientError", (error, socket) => this.#events.failed(socket, error))
    return server
  }
}
