/** A request head whose header block is a string: for requests that did not come as bytes (`node:http`, fetch). */
import { writeLatin1 } from "../../protocol/bytes.ts"
import type { RequestHead } from "../../protocol/exchange.ts"

export type TextHeadParts = Omit<RequestHead, "headerBytes" | "writeHeaders"> & {
  /** Header lines, each code unit one byte. */
  readonly lines: string
}

export function textHead({ lines, ...parts }: TextHeadParts): RequestHead {
  return { ...parts, headerBytes: lines.length, writeHeaders: (into, at) => writeLatin1(into, at, lines) }
}
