/** URL: a plain one answers by itself; everything else, and every change, is whatwg-url's. */
import "../early.ts"
import { URL as RealUrl } from "whatwg-url"
import { defineInterface, requireArguments, toUSVString } from "../idl.ts"
import {
  hashOf,
  hostnameOf,
  hostOf,
  originOf,
  pathnameOf,
  plainUrl,
  portOf,
  protocolOf,
  searchOf,
} from "./plain-url.ts"

/** What can be read of both kinds of URL. */
type Part = "origin" | "protocol" | "host" | "hostname" | "port" | "pathname" | "search" | "hash"
/** What can be changed: then it is not plain any more. */
type Mutable = Exclude<Part, "origin"> | "href" | "username" | "password"

interface Real extends Record<Part | Mutable, string> {
  readonly searchParams: object
}

const PARTS: Readonly<Record<Part, (href: string) => string>> = {
  origin: originOf,
  protocol: protocolOf,
  host: hostOf,
  hostname: hostnameOf,
  port: portOf,
  pathname: pathnameOf,
  search: searchOf,
  hash: hashOf,
}

export class URL {
  /** The whole URL while it is plain. */
  #plain: string | null
  #real: Real | null = null

  constructor(url: unknown, base: unknown = undefined) {
    requireArguments(arguments.length, 1, "URL")
    const input = toUSVString(url)
    const baseInput = base === undefined ? undefined : toUSVString(base)
    this.#plain = plainUrl(input, baseInput)
    if (this.#plain === null) this.#real = new RealUrl(input, baseInput) as unknown as Real
  }

  static canParse(url: unknown, base: unknown = undefined): boolean {
    requireArguments(arguments.length, 1, "URL.canParse")
    return URL.parse(url, base) !== null
  }

  static parse(url: unknown, base: unknown = undefined): URL | null {
    requireArguments(arguments.length, 1, "URL.parse")
    const input = toUSVString(url)
    const baseInput = base === undefined ? undefined : toUSVString(base)
    if (plainUrl(input, baseInput) === null && !RealUrl.canParse(input, baseInput)) return null
    return new URL(input, baseInput)
  }

  #get(part: Part): string {
    return this.#plain === null ? this.#made[part] : PARTS[part](this.#plain)
  }

  get #made(): Real {
    if (this.#plain !== null) {
      this.#real = new RealUrl(this.#plain) as unknown as Real
      this.#plain = null
    }
    return this.#real!
  }

  #set(part: Mutable, value: unknown): void {
    const text = toUSVString(value)
    this.#made[part] = text
  }

  get href(): string {
    return this.#plain ?? this.#made.href
  }

  set href(value: unknown) {
    this.#set("href", value)
  }

  get origin(): string {
    return this.#get("origin")
  }

  get protocol(): string {
    return this.#get("protocol")
  }

  set protocol(value: unknown) {
    this.#set("protocol", value)
  }

  get username(): string {
    return this.#plain === null ? this.#made.username : ""
  }

  set username(value: unknown) {
    this.#set("username", value)
  }

  get password(): string {
    return this.#plain === null ? this.#made.password : ""
  }

  set password(value: unknown) {
    this.#set("password", value)
  }

  get host(): string {
    return this.#get("host")
  }

  set host(value: unknown) {
    this.#set("host", value)
  }

  get hostname(): string {
    return this.#get("hostname")
  }

  set hostname(value: unknown) {
    this.#set("hostname", value)
  }

  get port(): string {
    return this.#get("port")
  }

  set port(value: unknown) {
    this.#set("port", value)
  }

  get pathname(): string {
    return this.#get("pathname")
  }

  set pathname(value: unknown) {
    this.#set("pathname", value)
  }

  get search(): string {
    return this.#get("search")
  }

  set search(value: unknown) {
    this.#set("search", value)
  }

  get searchParams(): object {
    return this.#made.searchParams
  }

  get hash(): string {
    return this.#get("hash")
  }

  set hash(value: unknown) {
    this.#set("hash", value)
  }

  toJSON(): string {
    return this.#plain ?? this.#made.href
  }

  toString(): string {
    return this.#plain ?? this.#made.href
  }
}

defineInterface("URL", URL)
