/**
 * The inspector of one worker thread, from the main thread of its process: works while the thread runs an endless loop or stands
 * at a breakpoint. Runs in the cell.
 */
import { type NodeWorker, Session } from "node:inspector"
import { messageOf } from "../../../protocol/errors.ts"
import type { CellInspector } from "./cell-session.ts"

/** Node's NodeWorker domain says `workerId` for what `worker_threads` calls the thread id. */
export function threadInspector(threadId: number): CellInspector {
  return {
    open(emit) {
      const session = new Session()
      session.connect()
      let sessionId: string | null = null
      /** Came before the thread was found: it is found at once, but by an event. */
      let early: string[] = []

      const forward = (message: string): void => {
        if (sessionId === null) early.push(message)
        else {
          session.post("NodeWorker.sendMessageToWorker", { sessionId, message }, (error) => {
            const id = error === null ? undefined : idOf(message)
            if (error !== null && id !== undefined) {
              emit(JSON.stringify({ id, error: { code: -32000, message: messageOf(error) } }))
            }
          })
        }
      }
      session.on("NodeWorker.attachedToWorker", ({ params }) => {
        if (!isThread(params, threadId)) return
        sessionId = params.sessionId
        for (const message of early.splice(0)) forward(message)
        early = []
      })
      session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
        if (params.sessionId === sessionId) emit(params.message)
      })
      session.post("NodeWorker.enable", { waitForDebuggerOnStart: false })
      return {
        dispatch: forward,
        close: () => session.disconnect(),
      }
    },
  }
}

function isThread({ workerInfo }: NodeWorker.AttachedToWorkerEventDataType, threadId: number): boolean {
  return workerInfo.workerId === String(threadId)
}

function idOf(message: string): number | undefined {
  const id = /"id"\s*:\s*(\d{1,15})/.exec(message)?.[1]
  return id === undefined ? undefined : Number(id)
}
