/** The body mixin of Request and Response: `body`, `bodyUsed` and the methods that read it whole. */
import { decodeUtf8, decodeUtf8KeepingMark } from "../encoding/text-decoder.ts"
import { type Blob, makeBlob } from "../file/blob.ts"
import type { ReadableStream } from "../streams/index.ts"
import { URLSearchParams } from "../url/index.ts"
import type { BodyContent } from "./body-content.ts"
import { FormData } from "./form-data.ts"
import { extractMimeType, type MimeType, serializeMimeType } from "./header-list.ts"
import { parseMultipart } from "./multipart.ts"

type Bytes = Uint8Array<ArrayBuffer>

export interface BodyOwner {
  readonly content: BodyContent | null
  /** All values of `content-type`. */
  readonly contentTypes: readonly string[]
}

export interface BodyMembers {
  readonly body: ReadableStream<Uint8Array> | null
  readonly bodyUsed: boolean
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  bytes(): Promise<Bytes>
  formData(): Promise<FormData>
  json(): Promise<unknown>
  text(): Promise<string>
}

/** Adds the members. `ownerOf` throws a TypeError when its argument is none of the class. */
export function mixInBody<Self extends object>(prototype: Self, ownerOf: (self: Self) => BodyOwner): void {
  const reader = <Result>(convert: (bytes: Bytes, owner: BodyOwner) => Result) =>
    function read(this: Self): Promise<Result> {
      return promised(() => {
        const owner = ownerOf(this)
        return whole(owner.content, (bytes) => convert(bytes, owner))
      })
    }
  const methods = {
    arrayBuffer: reader((bytes) => bytes.buffer),
    blob: reader((bytes, { contentTypes }) => makeBlob(bytes, typeForBlob(contentTypes))),
    bytes: reader((bytes) => bytes),
    formData: reader((bytes, { content, contentTypes }) => {
      const type = extractMimeType(contentTypes)
      // An empty form travels as nothing.
      const isEmpty = content !== null && bytes.length === 0 && type?.essence === "multipart/form-data"
      return isEmpty ? new FormData() : parseForm(bytes, type)
    }),
    json(this: Self): Promise<unknown> {
      return promised(() => wholeText(ownerOf(this).content, (text): unknown => JSON.parse(text)))
    },
    text(this: Self): Promise<string> {
      return promised(() => wholeText(ownerOf(this).content, (text) => text))
    },
  }
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(value, "name", { value: name, configurable: true })
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true })
  }
  const attributes = {
    get body(): ReadableStream<Uint8Array> | null {
      return ownerOf(this as never).content?.stream ?? null
    },
    get bodyUsed(): boolean {
      return ownerOf(this as never).content?.used ?? false
    },
  }
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(attributes))
}

/** As an async function, without the promise around the promise: an app can tell that one from the standard's. */
function promised<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Reads the whole body. One promise and no other between the bytes and their final form: a promise looks for `then` in what
 * it is resolved with, and apps can put one on Object.prototype.
 */
function whole<Result>(content: BodyContent | null, convert: (bytes: Bytes) => Result): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    const failure = content?.failure ?? null
    if (failure !== null) return reject(failure.reason)
    requireUsable(content)
    const done = (bytes: Bytes): void => {
      try {
        resolve(convert(bytes))
      } catch (error) {
        reject(error)
      }
    }
    if (content === null) done(new Uint8Array(0))
    else content.read(done, reject)
  })
}

function wholeText<Result>(content: BodyContent | null, convert: (text: string) => Result): Promise<Result> {
  if (typeof content?.atHand !== "string" || content.unusable) {
    return whole(content, (bytes) => convert(decodeUtf8(bytes)))
  }
  const text = content.take() as string
  return new Promise((resolve) => resolve(convert(text.startsWith("\ufeff") ? text.slice(1) : text)))
}

function requireUsable(content: BodyContent | null): void {
  if (content?.unusable) throw new TypeError("The body was read or is locked already")
}

function typeForBlob(contentTypes: readonly string[]): string {
  const type = extractMimeType(contentTypes)
  return type === null ? "" : serializeMimeType(type)
}

function parseForm(bytes: Bytes, type: MimeType | null): FormData {
  if (type?.essence === "multipart/form-data") {
    const boundary = type.parameters.get("boundary")
    if (boundary === undefined) throw new TypeError("The multipart form's content-type has no boundary")
    return parseMultipart(bytes, boundary)
  }
  if (type?.essence === "application/x-www-form-urlencoded") {
    const form = new FormData()
    const parameters = new (URLSearchParams as unknown as new (text: string) => Iterable<[string, string]>)(
      decodeUtf8KeepingMark(bytes),
    )
    for (const [name, value] of parameters) form.append(name, value)
    return form
  }
  throw new TypeError("The body's content-type is not one of a form")
}
