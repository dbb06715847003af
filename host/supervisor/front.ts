/**
 * Front: what the host does in front of the instances of one app: files that it answers itself, files sent in the app's place,
 * answers compressed. Owns the order of the three; each is a folder of its own (`static/`, `compression/`).
 */
import type { Exchange } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import { type AnswerFilter, createCompression } from "../compression/compression.ts"
import type { HostExchange } from "../exchange.ts"
import type { Logger } from "../log/logger.ts"
import type { FileCache } from "../static/file-cache.ts"
import { createSendfile, type Sendfile } from "../static/sendfile-exchange.ts"
import { createStaticFiles, type StaticFiles } from "../static/static-files.ts"

export interface FrontServices {
  readonly log: Logger
  /** Files in memory, of all apps of the host. */
  readonly fileCache: FileCache
}

export interface FrontEvents {
  /** It is no file: the exchange is for an instance. */
  pass(exchange: HostExchange): void
  /** The instance has done its part: the host sends a file in its place. */
  released(exchange: HostExchange): void
}

export class Front {
  readonly #compress: AnswerFilter | null
  readonly #static: StaticFiles | null
  readonly #sendfile: Sendfile | null
  readonly #drainMs: number
  /** Exchanges that the host answers with files. */
  readonly #sending = new Set<HostExchange>()
  #sent: (() => void) | null = null

  constructor(spec: AppSpec, { log, fileCache: cache }: FrontServices, events: FrontEvents) {
    this.#drainMs = spec.timeouts.drainMs
    this.#compress = createCompression(spec.compression)
    this.#static = createStaticFiles(spec, {
      log,
      cache,
      filter: this.#compress,
      pass: (exchange) => {
        this.ended(exchange)
        events.pass(exchange)
      },
    })
    this.#sendfile = createSendfile(spec, {
      cache,
      released: (exchange) => {
        if (exchange.finished) return
        this.#sending.add(exchange)
        events.released(exchange)
      },
    })
  }

  /** False: it is for an instance. True: it is answered here, now or later, or passed on later. */
  serve(exchange: HostExchange): boolean {
    if (this.#static === null) return false
    this.#sending.add(exchange)
    const isServed = this.#static.serve(exchange)
    if (!isServed || exchange.finished) this.ended(exchange)
    return isServed
  }

  /** What an instance answers in the place of `exchange`. */
  of(exchange: HostExchange): Exchange {
    // The file of an app is compressed like its own words.
    const compressed = this.#compress === null ? exchange : this.#compress(exchange)
    return this.#sendfile === null ? compressed : this.#sendfile.filter(compressed, exchange)
  }

  ended(exchange: HostExchange): void {
    if (this.#sending.delete(exchange) && this.#sending.size === 0) this.#sent?.()
  }

  /** Resolves when no file is being sent, or after the drain time. */
  async sent(): Promise<void> {
    if (this.#sending.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#sent = resolve
      if (this.#drainMs !== Number.POSITIVE_INFINITY)
        timer = setTimeout(resolve, Math.min(this.#drainMs, 0x7fffffff))
    })
    clearTimeout(timer)
  }

  /** Gives back its memory. */
  close(): void {
    this.#static?.close()
    this.#sendfile?.close()
  }
}
