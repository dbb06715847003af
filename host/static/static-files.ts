/**
 * StaticFiles: what the host answers for an app with files, before the app is asked and without an instance. Owns which requests
 * are its own and what becomes of them; `look-ups.ts` says what lies on the disk, `file-answer.ts` how a file is answered.
 */
import Negotiator from "negotiator"
import type { Exchange } from "../../protocol/exchange.ts"
import type { AppSpec, ContentCoding, StaticFolder } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import { prefersHtml } from "../listener/accept.ts"
import type { Logger } from "../log/logger.ts"
import { answerError, answerFile, type Dress, type ErrorPlace, type RefusalCode } from "./file-answer.ts"
import type { FileCache } from "./file-cache.ts"
import { type Finding, failure, type Sought } from "./find-file.ts"
import { type Asker, type Loaded, LookUps } from "./look-ups.ts"
import { type FileFields, FileFieldsReader } from "./request-lines.ts"
import { decodePath, type Place, pathOf, placeOf, withSlash } from "./url-path.ts"

export interface StaticServices {
  readonly log: Logger
  /** Shared by the apps of a host. */
  readonly cache: FileCache
  /** What answers go through on their way to the client: compression. */
  readonly filter: ((exchange: HostExchange) => Exchange) | null
  /** The exchange is the app's after all. */
  readonly pass: (exchange: HostExchange) => void
}

export interface StaticFiles {
  /** True: it answers, now or later, or passes it on later. Never throws. */
  serve(exchange: HostExchange): boolean
  /** Gives back its memory. Answers under way go on. */
  close(): void
}

/** Null for an app without static files. */
export function createStaticFiles(spec: AppSpec, services: StaticServices): StaticFiles | null {
  return spec.static.length === 0 ? null : new Files(spec, services)
}

/** Accept-Encoding values that are remembered: browsers send few. */
const MOST_REMEMBERED = 64
/** Of those that a client wants equally, the smallest first. */
const CODINGS: readonly ContentCoding[] = ["br", "zstd", "gzip"]
const ALL: readonly string[] = [...CODINGS, "identity"]

/** Its types do not know of `preferred` (1.0). */
interface Ranked {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): string[]
}

/** Times that a file may change between the look and its answer. */
const MOST_CHANGES = 10

class Files implements StaticFiles {
  readonly spec: AppSpec
  readonly services: StaticServices
  readonly #reader = new FileFieldsReader()
  readonly #lookUps: LookUps
  readonly #codings = new Map<string, readonly ContentCoding[]>()
  readonly #dresses: readonly { readonly file: Dress; readonly fallback: Dress }[]

  constructor(spec: AppSpec, services: StaticServices) {
    this.spec = spec
    this.services = services
    this.#lookUps = new LookUps(services.cache)
    this.#dresses = spec.static.map(dressesOf)
  }

  serve(exchange: HostExchange): boolean {
    const { head } = exchange
    const path = decodePath(pathOf(head.target))
    const place = placeOf(this.spec.static, path ?? pathOf(head.target))
    if (place === null) return false
    const isRead = head.method === "GET" || head.method === "HEAD"
    if (!isRead && place.folder.missing === "app") return false
    const fields = this.#reader.read(head)
    const out = this.services.filter?.(exchange) ?? exchange
    const { method, target } = head
    const request = new FileRequest(this, { exchange, out, place, fields, method, target })
    if (path === null) request.refuse("BAD_REQUEST")
    else if (place.servable) this.look(request)
    else request.missing()
    return true
  }

  close(): void {
    this.#lookUps.close()
  }

  /** Asks for the file that a request names, or for the fallback. */
  look(request: FileRequest): void {
    const { folder, rest } = request.place
    const codings = folder.precompressed ? this.#codingsOf(request.fields.acceptEncoding) : null
    const { isFallback } = request
    const key = `${this.spec.static.indexOf(folder)}${isFallback ? "f" : "p"}${codings?.join() ?? ""}:${isFallback ? "" : rest}`
    this.#lookUps.ask(key, () => soughtOf(folder, isFallback ? null : rest, codings), request)
  }

  dressOf(folder: StaticFolder, isFallback: boolean): Dress {
    const dresses = this.#dresses[this.spec.static.indexOf(folder)]!
    return isFallback ? dresses.fallback : dresses.file
  }

  /** Codings that the client takes, best first. */
  #codingsOf(acceptEncoding: string): readonly ContentCoding[] {
    if (acceptEncoding === "") return NO_CODINGS
    let codings = this.#codings.get(acceptEncoding)
    if (codings === undefined) {
      const headers = { "accept-encoding": acceptEncoding }
      const taken = (new Negotiator({ headers }) as Ranked).encodings(ALL, { preferred: CODINGS })
      // What comes after `identity` is wanted less than the file as it is.
      const identity = taken.indexOf("identity")
      codings = (identity === -1 ? taken : taken.slice(0, identity)) as ContentCoding[]
      if (this.#codings.size >= MOST_REMEMBERED) this.#codings.clear()
      if (acceptEncoding.length < 256) this.#codings.set(acceptEncoding, codings)
    }
    return codings
  }
}

interface FileRequestParts {
  readonly exchange: HostExchange
  readonly out: Exchange
  readonly place: Place
  readonly fields: FileFields
  readonly method: string
  readonly target: string
}

class FileRequest implements Asker {
  readonly place: Place
  readonly fields: FileFields
  /** It gets the folder's fallback: what it names is no file. */
  isFallback = false
  readonly #files: Files
  readonly #parts: FileRequestParts
  #changes = 0

  constructor(files: Files, parts: FileRequestParts) {
    this.#files = files
    this.#parts = parts
    this.place = parts.place
    this.fields = parts.fields
  }

  found(finding: Finding, loaded: Loaded | null): void {
    const { exchange, out, method, target } = this.#parts
    if (exchange.finished) return
    if (finding.kind === "missing") this.missing()
    else if (finding.kind === "failed") this.#failed(finding.code, finding.detail)
    else if (method !== "GET" && method !== "HEAD") this.refuse("METHOD_NOT_ALLOWED", "Allow: GET, HEAD\r\n")
    else if (finding.kind === "folder") {
      const lines = `Location: ${withSlash(exchange.path, target)}\r\nContent-Length: 0\r\n`
      out.respond({ status: 301, reason: "", lines: Buffer.from(lines, "latin1") }, null, true)
    } else if (loaded !== null) {
      const dress = this.#files.dressOf(this.place.folder, this.isFallback)
      const { conditions } = this.fields
      answerFile({ out, method, conditions, dress, events: this }, loaded)
    }
  }

  /** What the path names is no file that may be seen. */
  missing(): void {
    const { exchange } = this.#parts
    const { missing } = this.place.folder
    if (!this.isFallback && this.#isNavigation()) {
      this.isFallback = true
      this.#files.look(this)
    } else if (missing === "app") this.#files.services.pass(exchange)
    else this.refuse("FILE_NOT_FOUND")
  }

  refuse(code: Parameters<typeof answerError>[1], lines = ""): void {
    answerError(this.#parts.out, code, { ...this.#errorPlace(), lines })
  }

  // Events of the answer

  changed(): void {
    if (++this.#changes > MOST_CHANGES) this.#failed("FILE_UNREADABLE", `${this.#name} changes all the time`)
    else this.#files.look(this)
  }

  failed(error: unknown): void {
    const finding = failure(error, this.#name)
    if (finding.kind === "failed") this.#failed(finding.code, finding.detail)
    else this.changed()
  }

  refused(code: RefusalCode, size: number): void {
    this.refuse(code, code === "RANGE_NOT_SATISFIABLE" ? `Content-Range: bytes */${size}\r\n` : "")
  }

  /**
   * A page of a single-page app: the client names HTML in Accept. Where nobody but the host could answer, also a client that takes
   * anything (curl) and asks for a path without an extension. `fetch` of a page takes anything too: its answer is the app's.
   */
  #isNavigation(): boolean {
    const { folder, rest, servable } = this.place
    const { method } = this.#parts
    if (folder.fallback === null || !servable || (method !== "GET" && method !== "HEAD")) return false
    const { accept } = this.fields
    if (prefersHtml(accept)) return true
    if (folder.missing === "app" || !(accept === "" || accept.includes("*/*"))) return false
    return !rest.slice(rest.lastIndexOf("/")).includes(".")
  }

  #failed(code: "FILE_FORBIDDEN" | "FILE_UNREADABLE", detail: string): void {
    const { exchange } = this.#parts
    const { spec, services } = this.#files
    services.log.request(spec.name, null, { requestId: exchange.requestId, code, detail })
    this.refuse(code)
  }

  get #name(): string {
    return this.place.folder.file + this.place.rest
  }

  #errorPlace(): ErrorPlace {
    const { spec } = this.#files
    const isHead = this.#parts.method === "HEAD"
    return { app: spec.name, pages: spec.errorPages, accept: this.fields.accept, isHead }
  }
}

const NO_CODINGS: readonly ContentCoding[] = []

/** `rest` is null for the fallback. */
function soughtOf(folder: StaticFolder, rest: string | null, codings: Sought["codings"]): Sought {
  // One file that the manifest names may be a link to anywhere.
  const root = folder.prefix ? folder.file : null
  if (rest === null) return { path: folder.fallback ?? "", root, index: null, codings }
  return { path: folder.file + rest, root, index: folder.index, codings }
}

function dressesOf({ cacheControl, fallback }: StaticFolder): { file: Dress; fallback: Dress } {
  const line = cacheControl === "" ? "" : `Cache-Control: ${cacheControl}\r\n`
  const file: Dress = { type: null, lines: line, vary: "", isFixed: true }
  if (fallback === null) return { file, fallback: file }
  // Which pages there are changes with every release of the app, whatever the files' own names say.
  return { file, fallback: { ...file, lines: "Cache-Control: no-cache\r\n", vary: "Accept" } }
}
