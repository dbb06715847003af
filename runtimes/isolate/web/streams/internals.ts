/**
 * What the standards do with a stream without going through its public methods, which an app may have changed: slots and steps
 * of web-streams-polyfill by the names they have in its distribution (`test/isolate-web/` fails when they change).
 */
import "../early.ts"
import {
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
} from "web-streams-polyfill"

/** The steps of a read request of the streams standard. */
export interface ReadSteps {
  readonly chunk: (chunk: unknown) => void
  readonly close: () => void
  readonly error: (reason: unknown) => void
}

export interface ReadRequest {
  _chunkSteps(chunk: unknown): void
  _closeSteps(): void
  _errorSteps(reason: unknown): void
}

interface Slots {
  _state: "readable" | "closed" | "errored"
  _disturbed: boolean
  _storedError: unknown
  readonly _readableStreamController: Readonly<Record<symbol, (request: ReadRequest) => void>>
}

export const pullSteps = symbolCalled("[[PullSteps]]")
const { getReader } = ReadableStream.prototype

export function isReadableStream(value: unknown): value is ReadableStream {
  return (
    typeof value === "object" && value !== null && value instanceof ReadableStream && "_disturbed" in value
  )
}

export function isDisturbed(stream: ReadableStream): boolean {
  return slotsOf(stream)._disturbed
}

/** Somebody else reads it from now on. */
export function markDisturbed(stream: ReadableStream): void {
  slotsOf(stream)._disturbed = true
}

export function isByteStream(stream: ReadableStream): boolean {
  return slotsOf(stream)._readableStreamController instanceof ReadableByteStreamController
}

/** Locks the stream for good, so that it can be read by `readChunk` only. */
export function lock(stream: ReadableStream): void {
  getReader.call(stream)
}

/** Locks the stream and drops what it still has. */
export function lockAndDrop(stream: ReadableStream): void {
  const reader = getReader.call(stream) as ReadableStreamDefaultReader
  cancelReader.call(reader).catch(() => undefined)
}

/** Reads one chunk of a stream that `lock` locked. One of the steps is called, now or later. */
export function readChunk(stream: ReadableStream, { chunk, close, error }: ReadSteps): void {
  const slots = slotsOf(stream)
  slots._disturbed = true
  if (slots._state === "closed") close()
  else if (slots._state === "errored") error(slots._storedError)
  else {
    slots._readableStreamController[pullSteps]!({
      _chunkSteps: chunk,
      _closeSteps: close,
      _errorSteps: error,
    })
  }
}

const cancelReader = ReadableStreamDefaultReader.prototype.cancel

function slotsOf(stream: ReadableStream): Slots {
  return stream as unknown as Slots
}

function symbolCalled(description: string): symbol {
  const symbols = Object.getOwnPropertySymbols(ReadableStreamDefaultController.prototype)
  const found = symbols.find((symbol) => symbol.description === description)
  if (found === undefined) throw new Error(`web-streams-polyfill has no ${description} any more`)
  return found
}
