/**
 * Ledger of captured listens: hands out private socket paths, decides which listen is the app's, tells of the others.
 * Knows no runtime.
 */
import { existsSync, rmSync } from "node:fs"
import { type Asked, describe } from "./asked.ts"
import type { CapturedListen, CaptureFailure, CaptureOptions, ListenApi } from "./types.ts"

/**
 * A server that may not speak HTTP (a bare net.Server: a debug port, a free-port probe) is the app's only when no HTTP server
 * listens within this time after it.
 */
const RAW_GRACE_MS = 300

export interface Bound {
  readonly path: string
  readonly by: ListenApi
  readonly asked: Asked
  readonly options?: unknown
  /** How sure it is that this server answers HTTP/1.1. `raw`: unknown, a bare socket server. */
  readonly speaks: "http" | "raw" | "tls" | "http2"
  /** Whether it still listens. */
  isOpen(): boolean
}

export class Ledger {
  readonly all: CapturedListen[] = []
  readonly first: Promise<CapturedListen>
  readonly failed: Promise<CaptureFailure>
  readonly #options: CaptureOptions
  readonly #paths = new Set<string>()
  readonly #tlsPaths = new Set<string>()
  #resolveFirst: (listen: CapturedListen) => void = ignore
  #resolveFailed: (failure: CaptureFailure) => void = ignore
  #chosen: { readonly listen: CapturedListen; readonly asked: Asked; isOpen(): boolean } | null = null
  #fakePort: number

  constructor(options: CaptureOptions) {
    this.#options = options
    this.#fakePort = 49152 + Math.floor(Math.random() * 8000)
    this.first = new Promise((resolve) => {
      this.#resolveFirst = resolve
    })
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve
    })
  }

  /**
   * A path for a private socket. The app's own address keeps its path when the app closes it and listens again (a cluster whose
   * workers all died does): the host goes on with the path that it knows.
   */
  pathFor(asked: Asked): string {
    const { listen, isOpen } = this.#chosen ?? {}
    if (listen?.asked === describe(asked) && (!existsSync(listen.path) || isOpen?.() === false)) {
      rmSync(listen.path, { force: true }) // Bun 1.2 leaves it behind.
      return listen.path
    }
    const path = `${this.#options.socketDir}/${this.#options.socketPrefix}${this.#paths.size}.sock`
    this.#paths.add(path)
    return path
  }

  isPrivate(path: unknown): boolean {
    return typeof path === "string" && this.#paths.has(path)
  }

  /** Bun: whether a node:http server speaks TLS shows only when it calls Bun.serve. */
  speaksTls(path: string): void {
    this.#tlsPaths.add(path)
  }

  /** What is answered to an app that asked for port 0: plausible, never the same twice. */
  nextFakePort(): number {
    this.#fakePort = this.#fakePort >= 65535 ? 49152 : this.#fakePort + 1
    return this.#fakePort
  }

  bound(bound: Bound): void {
    const { path, by, asked, options } = bound
    const listen: CapturedListen = { path, by, asked: describe(asked), options: options ?? null }
    this.all.push(listen)
    const speaks = this.#tlsPaths.has(path) ? "tls" : bound.speaks
    if (speaks === "http") this.#choose(listen, bound)
    else if (speaks === "raw") setTimeout(() => bound.isOpen() && this.#choose(listen, bound), RAW_GRACE_MS)
    else this.failure({ kind: speaks, by, asked: listen.asked, message: NOT_SERVABLE[speaks](listen.asked) })
  }

  failure(failure: CaptureFailure): void {
    this.#options.log("warn", failure.message)
    this.#resolveFailed(failure)
  }

  #choose(listen: CapturedListen, { asked, isOpen }: Bound): void {
    if (this.#chosen === null) {
      this.#chosen = { listen, asked, isOpen }
      this.#resolveFirst(listen)
    } else if (listen.path === this.#chosen.listen.path) {
      this.#chosen = { listen, asked, isOpen }
    } else if (!sameTcpPort(this.#chosen.asked, asked)) {
      // Another address of the same port is the same service (Fastify binds every address of "localhost"): not worth a line.
      this.#options.log(
        "info",
        `the app also listens on ${listen.asked}: requests go to ${this.#chosen.listen.asked}, which it opened first; ` +
          `this one is reachable only at unix:${listen.path}`,
      )
    }
  }
}

const NOT_SERVABLE = {
  tls: (asked: string) =>
    `the app listens with TLS on ${asked}; Polyhost terminates TLS itself: use a plain http server`,
  http2: (asked: string) =>
    `the app listens with cleartext HTTP/2 on ${asked}; Polyhost speaks HTTP/1.1 to apps: use a plain http server`,
}

function sameTcpPort(one: Asked, other: Asked): boolean {
  return one.kind === "tcp" && other.kind === "tcp" && one.port !== 0 && one.port === other.port
}

function ignore(): void {
  // Replaced in the constructor, before anything can call it.
}
