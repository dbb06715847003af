/**
 * Certificates that the host gets and renews by itself: which host is due, one after the other, and what happens when it fails.
 * How one is ordered: `order.ts`. What is kept: `state.ts`. Who shows them to clients: `listener/tls/`. It never delays the host:
 * everything but reading what is kept happens behind it.
 */
import { messageOf } from "../../protocol/errors.ts"
import type { HostExchange } from "../exchange.ts"
import type { CertificateStore } from "../listener/tls/certificates.ts"
import type { AcmeSettings } from "../listener/tls/tls-settings.ts"
import type { Logger } from "../log/logger.ts"
import { AuthorityError, inWords, retryAfterMsOf, sentenceOf } from "./authority-error.ts"
import { Challenges } from "./challenges.ts"
import { type Clock, deadlineSignal, systemClock } from "./clock.ts"
import { orderCertificate } from "./order.ts"
import { type Lifetime, lifetimeOf, nextRenewalMs, OrderBudget, renewalMs, retryMs } from "./schedule.ts"
import { openSession, type Session } from "./session.ts"
import { AcmeState, type CertificatePair } from "./state.ts"

export interface Acme {
  /** It asks for a token that is being shown (http-01), and was answered. Asked on listeners without TLS, before anything else. */
  answers(exchange: HostExchange): boolean
  /** Resolves when what the state directory holds is in the store; gets the rest behind that. Never rejects. */
  start(): Promise<void>
  /** Gives up what is under way. Leaves no timer or socket. What the store has stays there. */
  close(): Promise<void>
  status(): readonly AcmeStatus[]
}

export interface AcmeStatus {
  readonly host: string
  /** End of the certificate that is served; null: there is none yet. */
  readonly notAfter: Date | null
  /** When the next one is ordered. */
  readonly next: Date
  /** Why the last try failed, until one succeeds. */
  readonly lastError: string | null
}

export interface AcmeServices {
  readonly store: Pick<CertificateStore, "set" | "challenge">
  readonly stateDir: string
  readonly log: Pick<Logger, "info" | "warn" | "error">
  readonly clock?: Clock
  /** A number in [0, 1). */
  readonly random?: () => number
}

export function createAcme(settings: AcmeSettings, services: AcmeServices): Acme {
  return new Certificates(settings, services)
}

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
/** Timers alone would be wrong after a clock was set or a machine slept. */
const CHECK_MS = 3_600_000
/** All of one certificate: an authority that answers slowly at every step does not keep the others from theirs. */
const ATTEMPT_MS = 600_000

interface HostRecord {
  readonly host: string
  life: Lifetime | null
  dueMs: number
  failures: number
  lastError: string | null
}

class Certificates implements Acme {
  readonly #settings: AcmeSettings
  readonly #services: Required<AcmeServices>
  readonly #directoryUrl: string
  readonly #state: AcmeState
  readonly #challenges: Challenges
  readonly #budget = new OrderBudget()
  readonly #hosts: readonly HostRecord[]
  readonly #closing = new AbortController()
  /** Failures of the authority as a whole, and until when it is left alone. */
  readonly #authority = { failures: 0, untilMs: 0, accountUrl: "" }
  #working: Promise<void> = Promise.resolve()
  #cancelTimer: () => void = () => undefined

  constructor(settings: AcmeSettings, services: AcmeServices) {
    this.#settings = settings
    this.#services = { clock: systemClock, random: Math.random, ...services }
    this.#directoryUrl = settings.directory ?? LETS_ENCRYPT
    this.#state = new AcmeState(services.stateDir, this.#directoryUrl)
    this.#challenges = new Challenges(services.store)
    this.#hosts = settings.hosts.map((host) => ({
      host,
      life: null,
      dueMs: 0,
      failures: 0,
      lastError: null,
    }))
  }

  answers(exchange: HostExchange): boolean {
    return this.#challenges.answers(exchange)
  }

  async start(): Promise<void> {
    await Promise.all(this.#hosts.map((record) => this.#load(record)))
    this.#work()
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the host closes"))
    this.#cancelTimer()
    await this.#working
  }

  status(): readonly AcmeStatus[] {
    return this.#hosts.map(({ host, life, dueMs, lastError }) => ({
      host,
      notAfter: life === null ? null : new Date(life.notAfterMs),
      next: new Date(Math.max(dueMs, this.#authority.untilMs, this.#services.clock.now())),
      lastError,
    }))
  }

  /** Serves what is kept. @returns whether that is not due yet. */
  async #load(record: HostRecord): Promise<boolean> {
    const { clock, log } = this.#services
    try {
      const pair = await this.#state.read(record.host)
      if (pair === null) return false
      const life = lifetimeOf(pair.cert)
      // Another process on the same state directory may have been first; older than what is served it never is.
      if (record.life !== null && life.notAfterMs <= record.life.notAfterMs) return false
      this.#serve(record, pair)
      return record.dueMs > clock.now()
    } catch (error) {
      log.warn(
        null,
        null,
        `ACME: the certificate kept for ${record.host} in ${this.#state.dir} cannot be used, a new one is got: ${messageOf(error)}`,
      )
      return false
    }
  }

  #serve(record: HostRecord, pair: CertificatePair): void {
    const life = lifetimeOf(pair.cert)
    this.#services.store.set(`acme:${record.host}`, pair)
    record.life = life
    record.dueMs = renewalMs(life, this.#services.random)
    record.failures = 0
    record.lastError = null
  }

  #work(): void {
    if (this.#closing.signal.aborted) return
    this.#working = this.#getDue().then(
      () => this.#arm(),
      // `#getDue` handles what it expects: this is a mistake here, and the next check is in an hour all the same.
      (error) => {
        this.#services.log.error(null, null, `ACME: ${messageOf(error)}`)
        this.#arm()
      },
    )
  }

  #arm(): void {
    if (this.#closing.signal.aborted) return
    const { clock } = this.#services
    const nextMs = Math.max(Math.min(...this.#hosts.map((it) => it.dueMs)), this.#authority.untilMs)
    // Not at once, whatever went wrong with the reckoning.
    const waitMs = Math.min(Math.max(nextMs - clock.now(), 1000), CHECK_MS)
    this.#cancelTimer = clock.after(waitMs, () => this.#work())
  }

  /** Each host at most once, longest due first. */
  async #getDue(): Promise<void> {
    const { clock } = this.#services
    await this.#state.sweep().catch(() => undefined)
    const due = this.#hosts.filter((it) => it.dueMs <= clock.now()).sort((a, b) => a.dueMs - b.dueMs)
    for (const record of due) {
      if (this.#closing.signal.aborted || this.#authority.untilMs > clock.now()) return
      if (!(await this.#load(record))) await this.#get(record)
    }
  }

  /** Never rejects. */
  async #get(record: HostRecord): Promise<void> {
    const { clock } = this.#services
    const deadline = deadlineSignal(clock, this.#closing.signal, {
      ms: ATTEMPT_MS,
      reason: () =>
        new AuthorityError(`no certificate within ${ATTEMPT_MS / 60_000} minutes`, {
          type: "serverInternal",
        }),
    })
    try {
      const session = await this.#connect(deadline.signal)
      if (session !== null) await this.#order(record, session)
    } finally {
      deadline.done()
    }
  }

  /** Null: the authority cannot be used now, which is no host's fault. */
  async #connect(signal: AbortSignal): Promise<Session | null> {
    const authority = this.#authority
    const { clock, random, log } = this.#services
    try {
      const session = await openSession({
        settings: this.#settings,
        directoryUrl: this.#directoryUrl,
        accountKey: (make) => this.#state.accountKey(make),
        accountUrl: authority.accountUrl,
        clock,
        signal,
      })
      authority.accountUrl = session.accountUrl
      authority.failures = 0
      return session
    } catch (error) {
      if (this.#closing.signal.aborted) return null
      authority.accountUrl = ""
      const waitMs = retryMs(++authority.failures, retryAfterMsOf(error), random)
      authority.untilMs = clock.now() + waitMs
      const waiting = this.#hosts.filter((it) => it.dueMs <= clock.now())
      for (const record of waiting) record.lastError = messageOf(error)
      const names = fewOf(waiting.map((it) => it.host))
      log.error(
        null,
        null,
        `ACME: the certificate authority cannot be used: ${sentenceOf(error)}. Waiting for it: ${names}. Next try in ${inWords(waitMs)}.`,
      )
      return null
    }
  }

  async #order(record: HostRecord, session: Session): Promise<void> {
    const { host } = record
    const { clock, log } = this.#services
    try {
      const pair = await orderCertificate(session, {
        host,
        types: this.#settings.challenges,
        challenges: this.#challenges,
        admit: () => this.#budget.take(host, clock.now()),
      })
      await this.#keep(host, pair)
      this.#serve(record, pair)
      if (record.life !== null) record.dueMs = nextRenewalMs(record.life, clock.now(), this.#services.random)
      log.info(null, null, `ACME: ${host} has a certificate until ${endOf(record)}.`)
    } catch (error) {
      this.#authority.accountUrl = ""
      if (this.#closing.signal.aborted) return
      this.#failed(record, session.signal.aborted ? session.signal.reason : error)
    } finally {
      session.close()
    }
  }

  async #keep(host: string, pair: CertificatePair): Promise<void> {
    try {
      await this.#state.write(host, pair)
    } catch (error) {
      this.#services.log.error(
        null,
        null,
        `ACME: the certificate of ${host} is served, but could not be kept: ${messageOf(error)}. Make ${this.#state.dir} writable; a restart orders another.`,
      )
    }
  }

  #failed(record: HostRecord, error: unknown): void {
    const { clock, random, log } = this.#services
    const waitMs = retryMs(++record.failures, retryAfterMsOf(error), random)
    record.dueMs = clock.now() + waitMs
    record.lastError = messageOf(error)
    const served = record.life === null ? "It has none yet" : `The one it has is good until ${endOf(record)}`
    log.error(
      null,
      null,
      `ACME: no certificate for ${record.host}: ${sentenceOf(error)}. ${served}. Next try in ${inWords(waitMs)}.`,
    )
  }
}

function endOf({ life }: HostRecord): string {
  return life === null ? "" : new Date(life.notAfterMs).toISOString()
}

function fewOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ")
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
