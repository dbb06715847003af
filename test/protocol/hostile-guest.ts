/** A HostConnection whose guest is the test: raw bytes in, a count of what comes out, and what the lint saw. */
import type { StoreRequest } from "../../protocol/calls/read-call.ts"
import type { ServerCall } from "../../protocol/calls/server-call.ts"
import type { Channel, ChannelListener } from "../../protocol/channel.ts"
import { lintChannel } from "../../protocol/lint.ts"
import { FakeAcceptor } from "../websocket-guest/fake-acceptor.ts"
import { MemoryExchange, type MemoryExchangeOptions } from "./memory-exchange.ts"
import { type HostRecord, recordHost } from "./pair.ts"
import { encodeRaw, hello, type RawFrame, started } from "./raw-frames.ts"

export class HostileGuest {
  readonly host: HostRecord
  readonly exchanges: MemoryExchange[] = []
  /** What it called and asked of stores: held until the test answers. */
  readonly calls: ServerCall[] = []
  readonly asks: StoreRequest[] = []
  readonly hostBreaches: string[] = []
  readonly guestBreaches: string[] = []
  /** Its WebSocket clients. */
  readonly acceptor = new FakeAcceptor()
  readonly pipe = new ScriptedChannel()
  /** What the host's clock shows. */
  nowMs = 0
  #scheduled: (() => void)[] = []

  constructor() {
    const linted = lintChannel(this.pipe, "host", (rule, message) => {
      const breaches = this.pipe.receiving ? this.guestBreaches : this.hostBreaches
      breaches.push(`${rule} ${message}`)
    })
    this.host = recordHost(linted, {
      now: () => this.nowMs,
      schedule: (run) => {
        this.#scheduled.push(run)
      },
      sockets: this.acceptor,
      calls: {
        call: (call) => {
          call.events = { requestBody: () => {}, drained: () => {}, left: () => {} }
          this.calls.push(call)
        },
        store: (request) => this.asks.push(request),
      },
    })
  }

  /** Past the handshake: the next frames are requests' and answers'. */
  static ready(): HostileGuest {
    const guest = new HostileGuest()
    guest.send(hello())
    guest.send(started())
    return guest
  }

  get violated(): boolean {
    return this.pipe.closedBy !== null
  }

  send(...frames: RawFrame[]): void {
    this.sendBytes(Buffer.concat(frames.map(encodeRaw)))
  }

  sendBytes(bytes: Uint8Array): void {
    this.pipe.receive(bytes)
    this.turn()
  }

  serve(options: MemoryExchangeOptions = {}): MemoryExchange {
    const exchange = new MemoryExchange(options)
    this.exchanges.push(exchange)
    this.host.connection.serve(exchange)
    return exchange
  }

  /** The end of this turn of the event loop. */
  turn(): void {
    for (const run of this.#scheduled.splice(0)) run()
  }

  /** The channel ends; slow clients read the rest of what they have. */
  end(): void {
    this.turn()
    this.pipe.end()
    for (const exchange of this.exchanges) exchange.read(Number.POSITIVE_INFINITY)
    for (const end of this.acceptor.ends) end.read(Number.POSITIVE_INFINITY)
  }
}

class ScriptedChannel implements Channel {
  bufferedBytes = 0
  writtenBytes = 0
  receiving = false
  closedBy: string | null = null
  #listener: ChannelListener | null = null
  #ended = false

  write(chunks: readonly Uint8Array[]): void {
    const receiving = this.receiving
    this.receiving = false
    for (const chunk of chunks) this.writtenBytes += chunk.length
    this.receiving = receiving
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener
  }

  close(reason: string): void {
    this.closedBy ??= reason
  }

  receive(bytes: Uint8Array): void {
    if (this.#ended) return
    this.receiving = true
    this.#listener?.data(bytes)
    this.receiving = false
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#listener?.ended(this.closedBy ?? "the guest is gone")
  }
}
