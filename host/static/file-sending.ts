/** FileSending: one file that is sent in an app's place: where it is, whether the app may name it, and its answer. */
import { type ClientErrorCode, messageOf } from "../../protocol/errors.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import { answerError, answerFile, type RefusalCode } from "./file-answer.ts"
import { type Finding, failure } from "./find-file.ts"
import type { Asker, Loaded, LookUps } from "./look-ups.ts"
import type { FileFields, FileFieldsReader } from "./request-lines.ts"
import { type Allowed, allowed, allowedText, type Handover } from "./sendfile-target.ts"

export interface SendingParts {
  readonly spec: AppSpec
  readonly lookUps: LookUps
  readonly reader: FileFieldsReader
}

const MOST_CHANGES = 10

export class FileSending implements Asker {
  readonly #out: Exchange
  readonly #parts: SendingParts
  readonly #handover: Handover
  /** The bytes of the request's head are the listener's: read before anything else happens. */
  readonly #fields: FileFields
  #candidates: readonly Allowed[] = []
  #at = 0
  #changes = 0

  constructor(out: Exchange, parts: SendingParts, handover: Handover) {
    this.#out = out
    this.#parts = parts
    this.#handover = handover
    this.#fields = parts.reader.read(out.head)
  }

  /** Never rejects. */
  async start(): Promise<void> {
    const { field, value } = this.#handover
    const { sendfile } = this.#parts.spec
    this.#candidates = await allowed(this.#handover, sendfile)
    if (this.#candidates.length > 0) return this.#look()
    const detail = `${field} names ${JSON.stringify(value.slice(0, 200))}; "sendfile" allows ${allowedText(field, sendfile)}`
    this.#out.fail("APP_RESPONSE_INVALID", detail)
  }

  found(finding: Finding, loaded: Loaded | null): void {
    const out = this.#out
    if (out.finished) return
    if (finding.kind === "failed") return this.#failed(finding.code, finding.detail)
    if (loaded === null) return this.#missing()
    const { method } = out.head
    const isRead = method === "GET" || method === "HEAD"
    const { kept, type } = this.#handover
    answerFile(
      {
        out,
        method: method === "HEAD" ? "HEAD" : "GET",
        conditions: isRead ? this.#fields.conditions : null,
        dress: { type, lines: kept, vary: "", isFixed: false },
        events: this,
      },
      loaded,
    )
  }

  // Events of the answer

  changed(): void {
    if (++this.#changes > MOST_CHANGES) this.#failed("FILE_UNREADABLE", "it changes all the time")
    else this.#look()
  }

  failed(error: unknown): void {
    const finding = failure(error, this.#candidates[this.#at]?.path ?? "")
    if (finding.kind === "failed") this.#failed(finding.code, finding.detail)
    else this.changed()
  }

  refused(code: RefusalCode, size: number): void {
    this.#error(code, code === "RANGE_NOT_SATISFIABLE" ? `Content-Range: bytes */${size}\r\n` : "")
  }

  #look(): void {
    const { path, root } = this.#candidates[this.#at]!
    this.#parts.lookUps.ask(`${root}\0${path}`, () => ({ path, root, index: null, codings: null }), this)
  }

  #missing(): void {
    if (++this.#at < this.#candidates.length) return this.#look()
    this.#error("FILE_NOT_FOUND")
  }

  #failed(code: "FILE_FORBIDDEN" | "FILE_UNREADABLE", detail: string): void {
    if (this.#out.responded) this.#out.fail(code, detail)
    else this.#out.fail(code, `${this.#handover.field}: ${detail}`)
  }

  #error(code: ClientErrorCode, lines = ""): void {
    const { spec } = this.#parts
    const isHead = this.#out.head.method === "HEAD"
    const { accept } = this.#fields
    try {
      answerError(this.#out, code, { app: spec.name, pages: spec.errorPages, accept, isHead, lines })
    } catch (error) {
      this.#out.fail("APP_ERROR", messageOf(error))
    }
  }
}
