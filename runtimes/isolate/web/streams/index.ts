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
import { exposeInterfaces } from "../idl.ts"

export { ReadableStream, ReadableStreamDefaultReader, TransformStream, WritableStream }

export function installStreams(target: object): void {
  exposeInterfaces(target, {
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

export function isReadableStream(value: unknown): value is ReadableStream {
  return value instanceof ReadableStream
}

/** Was the stream read from or cancelled? Only its own slots know. */
export function isDisturbed(stream: ReadableStream): boolean {
  return (stream as unknown as { _disturbed: boolean })._disturbed
}
