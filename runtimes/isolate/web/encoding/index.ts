/** TextEncoder, TextDecoder and their streams. */
import { exposeInterfaces } from "../idl.ts"
import { TextDecoder } from "./text-decoder.ts"
import { TextEncoder } from "./text-encoder.ts"
import { TextDecoderStream, TextEncoderStream } from "./text-streams.ts"

export function installEncoding(target: object): void {
  exposeInterfaces(target, { TextDecoder, TextDecoderStream, TextEncoder, TextEncoderStream })
}
