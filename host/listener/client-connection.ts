/** ClientConnection: what a listener knows of a client's connection, whatever is spoken on it. */
import type { Socket } from "node:net"

export interface ClientConnection {
  /** Nothing is asked on it now: it may be closed when there are too many. */
  readonly isIdle: boolean
  /** Destroying it ends the connection now. */
  readonly socket: Socket
  /** The listener closes: answers what is being answered, then ends. */
  closeSoon(): void
}
