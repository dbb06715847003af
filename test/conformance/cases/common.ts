/** What several topics of cases need. */
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { Target } from "../case.ts"
import type { RawClient } from "../raw-client.ts"
import { doing } from "../request-bytes.ts"

export const MIB = 1024 * 1024

/** The next answer on a connection that must be in step. */
export async function inStep(at: Target, client: RawClient): Promise<void> {
  client.send(at.bytes({ target: doing("reply", { body: "in step" }) }))
  const answer = await client.response()
  assert.deepEqual([answer.status, answer.text], [200, "in step"])
}

/** Bytes of which no stretch is like another. */
export function pattern(bytes: number, seed = 0): Buffer {
  const all = Buffer.alloc(bytes, seed)
  for (let i = 0; i + 4 <= bytes; i += 61) all.writeUInt32LE((i * 2654435761 + seed) >>> 0, i)
  return all
}

/** What the apps' `hash` answers. */
export function sumOf(body: Uint8Array): string {
  return `${body.length} ${createHash("sha256").update(body).digest("hex")}`
}

/** What the apps' `pieces` answers. */
export function pieces(n: number): string {
  return Array.from({ length: n }, (_, i) => `${n - i} `).join("")
}
