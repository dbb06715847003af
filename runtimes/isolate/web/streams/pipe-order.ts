/**
 * A pipe must not call the sink inside of the source's `enqueue` (streams standard, "read a chunk … queue a microtask"), but
 * web-streams-polyfill 4.3 does. Here the chunks of pipes arrive one microtask later; order stays, as close and error of the
 * source reach the pipe by promises.
 */
import "../early.ts"
import {
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamDefaultController,
} from "web-streams-polyfill"
import { pullSteps, type ReadRequest } from "./internals.ts"

interface Reader {
  readonly _ownerReadableStream: object | undefined
}

interface Controller {
  readonly _controlledReadableStream?: { readonly _reader: Reader }
  readonly _controlledReadableByteStream?: { readonly _reader: Reader }
}

type Members = Record<PropertyKey, (this: unknown, ...parameters: unknown[]) => unknown>

/** Changes the prototypes of the classes, once. */
export function delayPipedChunks(): void {
  const pipes = new WeakSet<Reader>()
  let starting: unknown = null

  for (const name of ["pipeTo", "pipeThrough"]) {
    wrap(ReadableStream.prototype, name, (original) => ({
      [name](this: unknown, _first: unknown) {
        starting = this
        try {
          return original.apply(this, arguments as never)
        } finally {
          starting = null
        }
      },
    }))
  }
  for (const { prototype } of [ReadableStreamDefaultController, ReadableByteStreamController]) {
    wrap(prototype, pullSteps, (original) => ({
      [pullSteps](this: unknown, request: unknown) {
        const controller = this as Controller
        const stream = controller._controlledReadableStream ?? controller._controlledReadableByteStream!
        if (stream === starting) pipes.add(stream._reader)
        if (!pipes.has(stream._reader)) return original.call(this, request)
        const delayed = new DelayedRequest(request as ReadRequest, stream._reader)
        original.call(this, delayed)
        delayed.waiting = true
        return undefined
      },
    }))
  }
}

function wrap(prototype: object, key: string | symbol, make: (original: Members[string]) => Members): void {
  const property = Object.getOwnPropertyDescriptor(prototype, key)!
  Object.defineProperty(prototype, key, { ...property, value: make(property.value as Members[string])[key] })
}

/** A chunk that is there already is given at once; one that comes later comes out of `enqueue`. */
class DelayedRequest implements ReadRequest {
  waiting = false
  readonly #request: ReadRequest
  readonly #reader: Reader

  constructor(request: ReadRequest, reader: Reader) {
    this.#request = request
    this.#reader = reader
  }

  _chunkSteps(chunk: unknown): void {
    if (!this.waiting) {
      this.#request._chunkSteps(chunk)
      return
    }
    queueMicrotask(() => {
      // A pipe that was shut down meanwhile has let go of both ends.
      if (this.#reader._ownerReadableStream !== undefined) this.#request._chunkSteps(chunk)
    })
  }

  _closeSteps(): void {
    this.#request._closeSteps()
  }

  _errorSteps(reason: unknown): void {
    this.#request._errorSteps(reason)
  }
}

declare function queueMicrotask(callback: () => void): void
