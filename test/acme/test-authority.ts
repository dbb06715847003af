/**
 * A certificate authority (RFC 8555) small enough to read, faithful where a client can be wrong: nonces, signatures, the order of
 * steps, real connections to validate, CSRs. It runs where pebble is not, and can be made to fail. `pebble.test.ts` has the real one.
 */
import { randomBytes } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import type { Clock } from "../../host/acme/clock.ts"
import { checkBinding, Refused, readJws, type SignedRequest, thumbprintOf } from "./test-authority-jws.ts"
import { readCsr, TestPki } from "./test-authority-pki.ts"
import { validate } from "./test-authority-validation.ts"

export interface AuthorityOptions {
  readonly clock: Clock
  readonly externalAccounts?: ReadonlyMap<string, string>
}

/** Answers a request itself, and is then true. */
export type Intervention = (resource: string, request: IncomingMessage, response: ServerResponse) => boolean

interface Account {
  readonly url: string
  readonly key: SignedRequest["jwk"]
  contact: unknown
}

interface Order {
  readonly url: string
  readonly host: string
  readonly account: Account
  status: "pending" | "ready" | "processing" | "valid" | "invalid"
  /** Of its authorization. */
  authorization: "pending" | "valid" | "invalid"
  readonly token: string
  /** By type. */
  readonly errors: Map<string, Refused>
  certificate: string
}

export class TestAuthority {
  readonly #server: Server
  readonly #pki: TestPki
  readonly #options: AuthorityOptions
  readonly #nonces = new Set<string>()
  readonly #accounts = new Map<string, Account>()
  readonly #orders = new Map<string, Order>()
  /** Root of its own https, PEM. */
  readonly webRoot: string
  /** Where it looks for proofs. */
  ports = { http: 0, tls: 0 }
  types: readonly string[] = ["http-01", "tls-alpn-01", "dns-01"]
  /** Of certificates: from so long before now to so long after. */
  life = { beforeMs: 3_600_000, afterMs: 90 * 86_400_000 }
  /** So many good nonces are refused. */
  nonceRefusals = 0
  intervene: Intervention = () => false
  /** Names that a certificate is given for. */
  signsFor: (names: readonly string[]) => readonly string[] = (names) => names
  /** Names of resources as they were asked for. */
  readonly asked: string[] = []
  orders = 0

  private constructor(server: Server, pki: TestPki, options: AuthorityOptions & { webRoot: string }) {
    this.#server = server
    this.#pki = pki
    this.#options = options
    this.webRoot = options.webRoot
    server.on("request", (request, response) => this.#serve(request, response))
  }

  static async start(options: AuthorityOptions): Promise<TestAuthority> {
    const [web, pki] = await Promise.all([TestPki.create("Company"), TestPki.create("Test Authority")])
    const server = createServer(await web.pair(["localhost"]))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return new TestAuthority(server, pki, { ...options, webRoot: web.rootPem })
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`
  }

  get directory(): string {
    return `${this.url}/directory`
  }

  /** Root of the certificates that it gives. */
  get root(): string {
    return this.#pki.rootPem
  }

  get accounts(): readonly { readonly contact: unknown }[] {
    return [...this.#accounts.values()]
  }

  forgetAccounts(): void {
    this.#accounts.clear()
  }

  /** Of the newest order. */
  get lastToken(): string {
    return this.#orders.get(String(this.orders))?.token ?? ""
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, resource = "", id = ""] = (request.url ?? "").split("/")
    this.asked.push(resource)
    if (this.intervene(resource, request, response)) return
    const nonce = randomBytes(12).toString("base64url")
    this.#nonces.add(nonce)
    response.setHeader("Replay-Nonce", nonce)
    response.setHeader("Cache-Control", "no-store")
    try {
      if (resource === "directory") return this.#directory(response)
      if (resource === "nonce") return void response.end()
      const signed = await this.#signed(request)
      await this.#answer(resource, { ...signed, id }, response)
    } catch (error) {
      const { status, type, message } =
        error instanceof Refused ? error : new Refused(500, "serverInternal", String(error))
      response.writeHead(status, { "Content-Type": "application/problem+json" })
      response.end(JSON.stringify(problem(new Refused(status, type, message))))
    }
  }

  #directory(response: ServerResponse): void {
    const { url } = this
    send(response, 200, {
      newNonce: `${url}/nonce`,
      newAccount: `${url}/new-account`,
      newOrder: `${url}/new-order`,
      revokeCert: `${url}/revoke`,
      keyChange: `${url}/key-change`,
      meta: {
        termsOfService: `${url}/terms`,
        externalAccountRequired: this.#options.externalAccounts !== undefined,
      },
    })
  }

  async #signed(request: IncomingMessage): Promise<SignedRequest> {
    if (request.method !== "POST") throw new Refused(405, "malformed", "POST only")
    if (request.headers["content-type"] !== "application/jose+json")
      throw new Refused(415, "malformed", "application/jose+json only")
    let text = ""
    for await (const chunk of request) text += chunk
    return readJws(text, {
      url: `${this.url}${request.url}`,
      takeNonce: (nonce) => this.#nonces.delete(String(nonce)) && --this.nonceRefusals < 0,
      keyOf: (kid) => this.#accounts.get(kid)?.key,
    })
  }

  async #answer(
    resource: string,
    request: SignedRequest & { id: string },
    response: ServerResponse,
  ): Promise<void> {
    if (resource === "new-account") return this.#newAccount(request, response)
    const account = this.#accounts.get(request.kid)
    if (account === undefined) throw new Refused(400, "malformed", "kid is needed")
    if (resource === "account") {
      account.contact = request.payload?.["contact"] ?? account.contact
      return send(response, 200, { status: "valid", contact: account.contact })
    }
    if (resource === "new-order") return this.#newOrder(account, request, response)
    const order = this.#orders.get(request.id)
    if (order === undefined || order.account !== account) throw new Refused(404, "malformed", "no such order")
    if (resource === "order") return send(response, 200, this.#orderBody(order))
    if (resource === "authorization") return send(response, 200, this.#authorizationBody(order))
    if (resource === "finalize") return this.#finalize(order, request, response)
    if (resource === "certificate" && order.status === "valid") {
      response.writeHead(200, { "Content-Type": "application/pem-certificate-chain" })
      return void response.end(order.certificate)
    }
    const type = this.types.find((it) => resource === `challenge-${it}`)
    if (type === undefined) throw new Refused(404, "malformed", `no ${resource}`)
    if (order.authorization !== "pending") throw new Refused(400, "malformed", `it is ${order.authorization}`)
    this.#validate(order, type)
    send(response, 200, this.#challengeBody(order, type))
  }

  #newAccount({ jwk, thumbprint, payload }: SignedRequest, response: ServerResponse): void {
    if (thumbprint === "") throw new Refused(400, "malformed", "jwk is needed")
    const url = `${this.url}/account/${thumbprint}`
    const there = this.#accounts.get(url)
    if (there === undefined) {
      if (payload?.["onlyReturnExisting"] === true)
        throw new Refused(400, "accountDoesNotExist", "no account with this key")
      const { externalAccounts: keys } = this.#options
      if (keys !== undefined)
        checkBinding(payload?.["externalAccountBinding"], { url: `${this.url}/new-account`, jwk, keys })
      if (payload?.["termsOfServiceAgreed"] !== true)
        throw new Refused(403, "userActionRequired", "the terms must be agreed to")
      this.#accounts.set(url, { url, key: jwk, contact: payload["contact"] })
    }
    response.setHeader("Location", url)
    send(response, there === undefined ? 201 : 200, { status: "valid" })
  }

  #newOrder(account: Account, { payload }: SignedRequest, response: ServerResponse): void {
    const [identifier] = payload?.["identifiers"] as { type: string; value: string }[]
    if (identifier?.type !== "dns") throw new Refused(400, "unsupportedIdentifier", "dns only")
    if (identifier.value.endsWith(".invalid"))
      throw new Refused(403, "rejectedIdentifier", `no certificates for ${identifier.value}`)
    const id = String(++this.orders)
    const order: Order = {
      url: `${this.url}/order/${id}`,
      host: identifier.value,
      account,
      status: "pending",
      authorization: "pending",
      token: randomBytes(24).toString("base64url"),
      errors: new Map(),
      certificate: "",
    }
    this.#orders.set(id, order)
    response.setHeader("Location", order.url)
    send(response, 201, this.#orderBody(order))
  }

  #validate(order: Order, type: string): void {
    const { host, token } = order
    const text = `${token}.${thumbprintOf(order.account.key)}`
    const port = type === "http-01" ? this.ports.http : this.ports.tls
    validate(type, { host, token, text, port }).then(
      () => {
        order.authorization = "valid"
        order.status = "ready"
      },
      (error: Refused) => {
        order.errors.set(type, error)
        order.authorization = "invalid"
        order.status = "invalid"
      },
    )
  }

  async #finalize(order: Order, { payload }: SignedRequest, response: ServerResponse): Promise<void> {
    if (order.status !== "ready") throw new Refused(403, "orderNotReady", `the order is ${order.status}`)
    const { names, publicKey } = await readCsr(Buffer.from(String(payload?.["csr"]), "base64url"))
    if (names.join() !== order.host) throw new Refused(400, "badCSR", `names ${names.join()}`)
    order.status = "processing"
    response.setHeader("Retry-After", "1")
    send(response, 200, this.#orderBody(order))
    const nowMs = this.#options.clock.now()
    order.certificate = await this.#pki.sign({
      names: this.signsFor(names),
      publicKey,
      notBefore: new Date(nowMs - this.life.beforeMs),
      notAfter: new Date(nowMs + this.life.afterMs),
    })
    order.status = "valid"
  }

  #orderBody({ url, status, host }: Order): object {
    const at = (resource: string): string => url.replace("/order/", `/${resource}/`)
    return {
      status,
      identifiers: [{ type: "dns", value: host }],
      authorizations: [at("authorization")],
      finalize: at("finalize"),
      ...(status === "valid" ? { certificate: at("certificate") } : {}),
    }
  }

  #authorizationBody(order: Order): object {
    return {
      status: order.authorization,
      identifier: { type: "dns", value: order.host },
      challenges: this.types.map((type) => this.#challengeBody(order, type)),
    }
  }

  #challengeBody({ url, token, errors, authorization }: Order, type: string): object {
    const error = errors.get(type)
    return {
      type,
      url: url.replace("/order/", `/challenge-${type}/`),
      token,
      status: error === undefined ? (authorization === "invalid" ? "pending" : authorization) : "invalid",
      ...(error === undefined ? {} : { error: problem(error) }),
    }
  }
}

export function problem({ type, message, status }: Refused): object {
  return { type: `urn:ietf:params:acme:error:${type}`, detail: message, status }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" })
  response.end(JSON.stringify(body))
}
