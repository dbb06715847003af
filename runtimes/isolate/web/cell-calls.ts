/**
 * Calls to the threads of the cell (WebCrypto, brotli): few at a time, so that one isolate cannot take all of them; the rest wait
 * here, in the isolate's own memory. The cell has its own bounds as well: ../ops/.
 */
import { DOMException } from "./dom-exception.ts"
import type { SubtleRequest } from "./ops.ts"
import { webOps } from "./platform.ts"

export const MOST_PAYLOAD_BYTES = 16 * 1024 * 1024
const MOST_AT_ONCE = 4

interface Lane {
  running: number
  readonly waiting: (() => void)[]
}

const lane: Lane = { running: 0, waiting: [] }

export async function callCell(method: string, request: SubtleRequest): Promise<unknown> {
  if ((request.data?.byteLength ?? 0) > MOST_PAYLOAD_BYTES)
    throw new DOMException(`At most ${MOST_PAYLOAD_BYTES} bytes at once`, "OperationError")
  if (lane.running >= MOST_AT_ONCE) await new Promise<void>((resolve) => lane.waiting.push(resolve))
  else lane.running++
  try {
    const answer = await webOps().subtle(method, request)
    if (answer.ok) return answer.value
    throw answer.name === "TypeError"
      ? new TypeError(answer.message)
      : new DOMException(answer.message, answer.name)
  } finally {
    // The place goes to the next that waits.
    const next = lane.waiting.shift()
    if (next === undefined) lane.running--
    else next()
  }
}
