/**
 * Calls on a channel of their own, without the rest of the protocol: how an isolate reaches the cell for its `fetch`.
 * There is no handshake; only frames of calls are allowed.
 */
import type { Channel, ChannelListener } from "../channel.ts"
import { messageOf, PolyhostError } from "../errors.ts"
import { FrameReader } from "../frame-reader.ts"
import { type FrameHandler, FrameType, FrameWriter, MAX_UNREAD_BYTES, violation } from "../frames.ts"
import { CallClient } from "./call-client.ts"
import { type CallHandlers, CallServer } from "./call-server.ts"

type Schedule = (flush: () => void) => void

/** The caller's end of `channel`. `schedule` runs a function once at the end of this turn of the event loop. */
export function connectCalls(channel: Channel, schedule: Schedule): CallClient {
  const writer = new FrameWriter(channel, schedule)
  const client = new CallClient()
  channel.listen(
    new CallListener(
      channel,
      { frame: (type, flags, id, payload) => client.frame(type, flags, id, payload) },
      (reason) => client.close(reason),
    ),
  )
  client.start(writer)
  return client
}

export interface CallServerEvents extends CallHandlers {
  /** Once, last. `violation` is true when the caller broke the protocol. */
  closed(reason: string, violation: boolean): void
}

/** The trusted end of `channel`. */
export function serveCalls(channel: Channel, events: CallServerEvents, schedule: Schedule): CallServer {
  const writer = new FrameWriter(channel, schedule)
  const server: CallServer = new CallServer(writer, events, () => {
    // P15
    if (channel.bufferedBytes > MAX_UNREAD_BYTES) listener.poison(violation("P15: the caller does not read"))
  })
  const listener = new CallListener(
    channel,
    {
      frame: (type, flags, id, payload) => {
        if (type < FrameType.callRequest) throw violation(`P17: type ${type} on a channel for calls`)
        server.frame(type, flags, id, payload)
      },
    },
    (reason, violated) => {
      server.close()
      events.closed(reason, violated)
    },
  )
  channel.listen(listener)
  return server
}

class CallListener implements ChannelListener {
  readonly #channel: Channel
  readonly #reader: FrameReader
  readonly #closed: (reason: string, violated: boolean) => void
  #ended = false

  constructor(channel: Channel, handler: FrameHandler, closed: (reason: string, violated: boolean) => void) {
    this.#channel = channel
    this.#reader = new FrameReader(handler, { bodiesInPieces: true })
    this.#closed = closed
  }

  data(chunk: Uint8Array): void {
    if (this.#ended) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.poison(error)
    }
  }

  ended(reason: string): void {
    this.#end(reason, false)
  }

  poison(error: unknown): void {
    const known = error instanceof PolyhostError && error.code === "PROTOCOL_VIOLATION"
    const reason = known ? error.message : `protocol violation: ${messageOf(error)}`
    this.#channel.close(reason)
    this.#end(reason, true)
  }

  #end(reason: string, violated: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#reader.stop()
    this.#closed(reason, violated)
  }
}
