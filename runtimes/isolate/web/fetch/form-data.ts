/** FormData. How it travels is `multipart.ts`. */

import { isBlob } from "../file/blob.ts"
import { type File, fileOfBlob, isFile } from "../file/file.ts"
import { defineInterface, isObject, requireArguments, toUSVString } from "../idl.ts"
import { makePairIterable } from "../pair-iterable.ts"

export type FormEntry = readonly [name: string, value: string | File]

const friend = {} as { entriesOf(form: FormData): FormEntry[]; is(value: object): boolean }

export class FormData {
  #entries: FormEntry[] = []

  static {
    friend.entriesOf = (form) => form.#entries
    friend.is = (value) => #entries in value
  }

  constructor(form: unknown = undefined) {
    if (form !== undefined) throw new TypeError("FormData: there are no form elements here")
  }

  append(name: unknown, value: unknown, filename: unknown = undefined): void {
    const entries = this.#entries
    requireArguments(arguments.length, 2, "FormData.append")
    entries.push(makeEntry(name, value, filename, arguments.length > 2))
  }

  delete(name: unknown): void {
    const entries = this.#entries
    requireArguments(arguments.length, 1, "FormData.delete")
    const key = toUSVString(name)
    this.#entries = entries.filter((entry) => entry[0] !== key)
  }

  get(name: unknown): string | File | null {
    const entries = this.#entries
    requireArguments(arguments.length, 1, "FormData.get")
    const key = toUSVString(name)
    return entries.find((entry) => entry[0] === key)?.[1] ?? null
  }

  getAll(name: unknown): (string | File)[] {
    const entries = this.#entries
    requireArguments(arguments.length, 1, "FormData.getAll")
    const key = toUSVString(name)
    return entries.filter((entry) => entry[0] === key).map((entry) => entry[1])
  }

  has(name: unknown): boolean {
    const entries = this.#entries
    requireArguments(arguments.length, 1, "FormData.has")
    const key = toUSVString(name)
    return entries.some((entry) => entry[0] === key)
  }

  set(name: unknown, value: unknown, filename: unknown = undefined): void {
    const entries = this.#entries
    requireArguments(arguments.length, 2, "FormData.set")
    const entry = makeEntry(name, value, filename, arguments.length > 2)
    const first = entries.findIndex(([key]) => key === entry[0])
    if (first === -1) {
      entries.push(entry)
      return
    }
    entries[first] = entry
    this.#entries = entries.filter(([key], at) => at <= first || key !== entry[0])
  }
}

makePairIterable(FormData.prototype, { name: "FormData", pairs: (form) => friend.entriesOf(form) })
defineInterface("FormData", FormData)

export function isFormData(value: unknown): value is FormData {
  return isObject(value) && friend.is(value)
}

export function entriesOf(form: FormData): readonly FormEntry[] {
  return friend.entriesOf(form)
}

function makeEntry(name: unknown, value: unknown, filename: unknown, named: boolean): FormEntry {
  const key = toUSVString(name)
  if (!isBlob(value)) {
    if (named) throw new TypeError("FormData: only a Blob can have a file name")
    return [key, toUSVString(value)]
  }
  if (named && filename !== undefined) {
    const lastModified = isFile(value) ? value.lastModified : undefined
    return [key, fileOfBlob(value, toUSVString(filename), lastModified)]
  }
  return [key, isFile(value) ? value : fileOfBlob(value, "blob")]
}
