/** What stands around ACME in a host: a listener without TLS, one with, their certificates; and a client's look at them. */
import type { X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { onTestFinished } from "vitest"
import { type Acme, createAcme } from "../../host/acme/acme.ts"
import type { Clock } from "../../host/acme/clock.ts"
import { createListener } from "../../host/listener/create-listener.ts"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { createServices, type ListenerServices } from "../../host/listener/http1/services.ts"
import type { Listener } from "../../host/listener/listener.ts"
import { createRequestIds } from "../../host/listener/request-ids.ts"
import { Tls } from "../../host/listener/tls/tls.ts"
import type { AcmeSettings } from "../../host/listener/tls/tls-settings.ts"
import { createFunctionWriter } from "../../host/log/log-writer.ts"
import { createLogger, type Logger } from "../../host/log/logger.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import { eventually } from "../support/deadline.ts"

export interface SiteOptions {
  readonly settings: Partial<AcmeSettings> & Pick<AcmeSettings, "hosts">
  readonly authority: { readonly directory: string; readonly webRoot: string }
  readonly clock: Clock
  /** That of a site before. Default: a new one, gone after the test. */
  readonly stateDir?: string
  /** Ports to listen on, where somebody else has to know them before. */
  readonly ports?: { readonly http: number; readonly tls: number }
}

/** Closed when the test has finished. */
export async function startSite(options: SiteOptions): Promise<Site> {
  const log: string[] = []
  const logger = createLogger(
    createFunctionWriter((text) => {
      const { level, message } = JSON.parse(text) as Record<"level" | "message", string>
      log.push(`${level} ${message}`)
    }),
    "json",
  )
  const stateDir = options.stateDir ?? temporaryDir()
  const caFile = join(stateDir, "web-root.pem")
  writeFileSync(caFile, options.authority.webRoot)
  const acme: AcmeSettings = {
    email: null,
    challenges: ["tls-alpn-01", "http-01"],
    caFile,
    externalAccount: null,
    directory: options.authority.directory,
    ...options.settings,
  }
  const tls = await Tls.start({ ...TLS, acme }, logger)
  const site = new Site({ tls, acme, log, logger, stateDir, clock: options.clock })
  onTestFinished(() => site.close())
  await site.listen(options.ports ?? { http: 0, tls: 0 })
  return site
}

const TLS = { certificates: [], minVersion: "TLSv1.2", clientAuth: null, hsts: "", redirect: false } as const

interface SiteParts {
  readonly tls: Tls
  readonly acme: AcmeSettings
  readonly log: string[]
  readonly logger: Logger
  readonly stateDir: string
  readonly clock: Clock
}

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "pht-acme-"))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export class Site {
  readonly tls: Tls
  readonly acme: Acme
  readonly log: string[]
  readonly stateDir: string
  readonly #services: ListenerServices
  readonly #listeners: Listener[] = []
  ports = { http: 0, tls: 0 }

  constructor({ tls, acme, log, logger, stateDir, clock }: SiteParts) {
    this.tls = tls
    this.log = log
    this.stateDir = stateDir
    const store = tls.certificates
    this.acme = createAcme(acme, { store, stateDir, log: logger, clock, random: () => 0 })
    tls.answersFirst = (exchange) => this.acme.answers(exchange)
    this.#services = createServices({
      settings: DEFAULT_HTTP_SETTINGS,
      errorPages: new Map(),
      ids: createRequestIds(),
      streamed: new StreamedBytes(null),
      handle: (exchange) => exchange.fail("NO_ROUTE", exchange.path),
      refused: () => undefined,
    })
  }

  async listen({ http, tls }: { http: number; tls: number }): Promise<void> {
    for (const [port, isTls] of [
      [http, false],
      [tls, true],
    ] as const)
      this.#listeners.push(
        await createListener({ host: "127.0.0.1", port, tls: isTls }, this.#services, this.tls),
      )
    const [plain, secure] = this.#listeners.map((it) => Number(new URL(it.url).port))
    this.ports = { http: plain as number, tls: secure as number }
  }

  async close(): Promise<void> {
    await this.acme.close()
    await Promise.all(this.#listeners.splice(0).map(closeListener))
    await this.tls.close()
  }

  /** Waits until a line of the log has `text`. @returns it. */
  async logged(text: string, count = 1): Promise<string> {
    const lines = () => this.log.filter((line) => line.includes(text))
    const found = await eventually(15_000, text, () => (lines().length >= count ? lines() : null)).catch(
      (error: Error) => {
        throw new Error(`${error.message}. The log:\n${this.log.join("\n")}`)
      },
    )
    return found[count - 1] as string
  }

  has(host: string): Promise<string> {
    return this.logged(`ACME: ${host} has a certificate`)
  }

  /** What a client sees that trusts `root`. Rejects when the handshake fails. */
  handshake(host: string, root: string): Promise<X509Certificate> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: this.ports.tls, servername: host, ca: root })
      socket.on("secureConnect", () => {
        const certificate = socket.getPeerX509Certificate() as X509Certificate
        socket.end()
        socket.resume()
        socket.on("close", () => resolve(certificate))
      })
      socket.on("error", reject)
    })
  }
}

async function closeListener(listener: Listener): Promise<void> {
  const closed = listener.close()
  listener.destroy()
  await closed
}
