/** File: a Blob with a name and a date. */
import { addSerializable } from "../clone/serializable.ts"
import { toLongLong } from "../conversions.ts"
import { defineInterface, requireArguments, toDictionary, toUSVString } from "../idl.ts"
import { Blob, bytesOfBlob, isBlob, makeBlob } from "./blob.ts"

const slots = {} as { isFile(value: object): boolean }

export class File extends Blob {
  readonly #name: string
  readonly #lastModified: number

  constructor(parts: unknown, name: unknown, options: unknown = undefined) {
    requireArguments(arguments.length, 2, "File")
    super(iterableOnly(parts), options)
    this.#name = toUSVString(name)
    const { lastModified } = toDictionary(options, "File: options")
    this.#lastModified = lastModified === undefined ? Date.now() : toLongLong(lastModified)
  }

  get name(): string {
    return this.#name
  }

  get lastModified(): number {
    return this.#lastModified
  }

  static {
    slots.isFile = (value) => #name in value
  }
}

defineInterface("File", File)

export function isFile(value: object): value is File {
  return slots.isFile(value)
}

/** The same bytes as a File of another name. */
export function fileOfBlob(blob: Blob, name: string, lastModified = Date.now()): File {
  return new File([bytesOfBlob(blob)], name, { type: blob.type, lastModified })
}

// The first that fits is taken, and a File is a Blob too.
addSerializable(isFile, (file) => fileOfBlob(file, file.name, file.lastModified))
addSerializable(isBlob, (blob) => makeBlob(bytesOfBlob(blob), blob.type))

/** The parts of a File are required: here undefined is an error too. */
function iterableOnly(parts: unknown): unknown {
  if (parts === undefined) throw new TypeError("File: the parts are not a sequence")
  return parts
}
