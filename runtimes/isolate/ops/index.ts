/**
 * The cell's side of the web APIs' ops for one isolate: plain functions that the cell program makes callable inside. Nothing here
 * trusts what it is given: the other side shares its isolate with the app. Counterpart: `../web/ops.ts`.
 */
import { randomFillSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { domainToASCII } from "node:url"
import type { SubtleAnswer } from "../web/ops.ts"
import { createSubtle } from "./subtle.ts"

const MOST_RANDOM_BYTES = 65_536
const LONGEST_HOST = 16_384

/** Beside the cell program, as it is built. */
const ENCODING_TABLES = new URL("../isolate/encodings.json", import.meta.url)

/** What the cell program itself does for an isolate. */
export interface OpsSurroundings {
  readonly wake: (ms: number) => void
  readonly print: (stream: "stdout" | "stderr", text: string) => void
}

/** As `WebOps`, for one isolate; every argument is checked. */
export interface Ops {
  readonly domainToASCII: (host: unknown, beStrict?: unknown) => string
  readonly encodingTables: () => string
  readonly random: (length: unknown) => ArrayBuffer
  /** Never rejects. */
  readonly subtle: (method: unknown, request: unknown) => Promise<SubtleAnswer>
  readonly wakeAfter: (ms: unknown) => void
  readonly print: (stream: unknown, text: unknown) => void
}

export function createOps({ wake, print }: OpsSurroundings): Ops {
  return {
    domainToASCII: (host) => {
      const name = String(host)
      return name.length > LONGEST_HOST ? "" : domainToASCII(name)
    },
    encodingTables: () => readFileSync(ENCODING_TABLES, "utf8"),
    random(length) {
      if (!Number.isInteger(length) || (length as number) < 0 || (length as number) > MOST_RANDOM_BYTES)
        throw new RangeError(`random: at most ${MOST_RANDOM_BYTES} bytes`)
      return randomFillSync(new Uint8Array(length as number)).buffer
    },
    subtle: createSubtle(),
    wakeAfter: (ms) => wake(typeof ms === "number" && ms >= 0 ? ms : 0),
    print: (stream, text) => print(stream === "stderr" ? "stderr" : "stdout", String(text)),
  }
}
