/**
 * The cell's end of one inspector session: connects to where the host said, and passes messages between there and the
 * inspector of a thread or an isolate. Runs in the cell's process, on its own loop. Counterpart in the host: `../cell-link.ts`.
 */
import { connect } from "node:net"
import { type InspectorPipe, inspectorPipe } from "../../inspector-frames.ts"

/** The inspector of one instance, as a kind of cell offers it. */
export interface CellInspector {
  /** Opens a session. `emit` is called for each message of the inspector. @throws when it cannot */
  open(emit: (text: string) => void): CellInspectorSession
}

export interface CellInspectorSession {
  /** A message of the debugger. Never throws. */
  dispatch(text: string): void
  /** Ends it: what was paused runs on. Never throws. */
  close(): void
}

/** Serves one session, until the host or the end of the cell ends it. */
export function serveInspector(
  { path, token }: { readonly path: string; readonly token: string },
  inspector: CellInspector,
): void {
  const socket = connect(path)
  let session: CellInspectorSession | null = null
  const pipe: InspectorPipe = inspectorPipe(socket, {
    message: (text) => session?.dispatch(text),
    closed: () => {
      session?.close()
      session = null
    },
  })
  socket.once("connect", () => {
    pipe.send(token)
    try {
      session = inspector.open((text) => pipe.send(text))
    } catch {
      pipe.end()
    }
  })
}
