/** The stream classes: web-streams-polyfill's, with what it leaves to the platform. */
import "../early.ts"
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill"
import { exposeLibraryClasses } from "../library-classes.ts"
import { delayPipedChunks } from "./pipe-order.ts"

export { ReadableStream, ReadableStreamDefaultReader, TransformStream, WritableStream }

// The polyfill makes an %AsyncIteratorPrototype% of its own; here the engine has one.
Object.setPrototypeOf(
  Object.getPrototypeOf(new ReadableStream().values()) as object,
  Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype as object) as object,
)

delayPipedChunks()

export function installStreams(target: object): void {
  exposeLibraryClasses(target, {
    ByteLengthQueuingStrategy,
    CountQueuingStrategy,
    ReadableByteStreamController,
    ReadableStream,
    ReadableStreamBYOBReader,
    ReadableStreamBYOBRequest,
    ReadableStreamDefaultController,
    ReadableStreamDefaultReader,
    TransformStream,
    TransformStreamDefaultController,
    WritableStream,
    WritableStreamDefaultController,
    WritableStreamDefaultWriter,
  })
}
