import { randomBytes } from "node:crypto"
import type { RequestIds } from "./listener.ts"

/** Ids such as `k3v9x2qa-1f`: a random part for the host's life, then a count. */
export function createRequestIds(): RequestIds {
  const prefix = `${randomBytes(5).toString("hex")}-`
  let count = 0
  return { next: () => prefix + (++count).toString(36) }
}
