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

async function* generate() {
  yield
}
// The polyfill makes an %AsyncIteratorPrototype% of its own; here the engine has one.
const asyncGenerator = Object.getPrototypeOf(generate.prototype as object) as object
Object.setPrototypeOf(
  Object.getPrototypeOf(new ReadableStream().values()) as object,
  Object.getPrototypeOf(asyncGenerator) as object,
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
