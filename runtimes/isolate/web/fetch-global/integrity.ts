/** Subresource integrity: whether an answer's bytes have a digest that the app named. The cell computes digests. */
import { decodeForgiving } from "../base64.ts"
import { callCell } from "../cell-calls.ts"

type Bytes = Uint8Array<ArrayBuffer>

/** Weakest first: of the algorithms named only the strongest counts. */
const ALGORITHMS = ["sha256", "sha384", "sha512"]

interface Named {
  readonly strength: number
  readonly digest: Bytes
}

/** Null: nothing is named that can be checked, and every answer is good. */
export function readIntegrity(text: string): ((bytes: Bytes) => Promise<boolean>) | null {
  const named = text.split(/[\t\n\f\r ]+/).flatMap(readNamed)
  const strength = Math.max(...named.map((it) => it.strength))
  const digests = named.filter((it) => it.strength === strength).map(({ digest }) => digest)
  if (digests.length === 0) return null
  const name = `SHA-${ALGORITHMS[strength]!.slice(3)}`
  return async (bytes) => {
    const answer = await callCell("digest", { algorithm: { name }, data: bytes.slice().buffer })
    const found = new Uint8Array(answer as ArrayBuffer)
    return digests.some((digest) => isSame(digest, found))
  }
}

/** ALGORITHM-DIGEST?OPTIONS; the digest in base64 or base64url. Anything else is skipped. */
function readNamed(text: string): Named[] {
  const match = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/i.exec(text)
  if (match === null) return []
  const digest = decodeForgiving(match[2]!.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, ""))
  return digest === null ? [] : [{ strength: ALGORITHMS.indexOf(match[1]!.toLowerCase()), digest }]
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
