/** What the web APIs of isolates ask of the cell, for every isolate of it. Counterpart inside: `inside/ops.ts`. */
import { randomBytes } from "node:crypto"
import { domainToASCII } from "node:url"

export interface CellOps {
  domainToASCII(host: string, beStrict: boolean): string
  random(length: number): ArrayBuffer
  /** Never rejects. */
  subtle(method: string, request: unknown): Promise<unknown>
}

export function createCellOps(): CellOps {
  return {
    domainToASCII: (host) => domainToASCII(String(host)),
    random: (length) => new Uint8Array(randomBytes(Math.min(65536, Math.max(0, Number(length) || 0)))).buffer,
    subtle: async () => ({ ok: false, name: "NotSupportedError", message: "not there yet" }),
  }
}
