/** What an answer is compared by. */
import { createHash } from "node:crypto"
import type { Seen } from "./case.ts"

export function seen(kind: "text" | "binary" | "pong", payload: Uint8Array | string): Seen {
  const bytes = Buffer.from(payload)
  return `${kind} ${bytes.length} ${createHash("sha1").update(bytes).digest("hex").slice(0, 12)}`
}
