/**
 * The host's end of all channels: one unix socket that every guest connects to. A connection that does not say hello
 * with the token of a running launch, in time and as its first message, is closed. Owns nothing of a launch but its token.
 */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import type { Channel } from "../../protocol/channel.ts"
import { PROTOCOL_VERSION } from "../../protocol/frames.ts"
import { HostConnection, type HostConnectionEvents } from "../../protocol/host-connection.ts"
import type { Hello } from "../../protocol/messages.ts"
import { SharedRead } from "../shared-read.ts"
import { acceptSocketChannel } from "../socket-channel.ts"

/** How long a stranger may stay silent, and how many may wait at once. */
const HELLO_MS = 5000
const MAX_STRANGERS = 256

export interface Endpoint {
  readonly path: string
  /** Waits for one guest. `connected` is called when it came; its events go to what that returns. */
  expect(connected: (connection: HostConnection, hello: Hello) => GuestEvents): Expectation
  close(): Promise<void>
}

export interface Expectation {
  readonly token: string
  cancel(): void
}

export interface GuestEvents extends Omit<HostConnectionEvents, "hello"> {
  /** The channel ended; the connection hears of it, and fails what is in flight, when `finish` is called. */
  channelEnded?(reason: string, finish: () => void): void
}

export async function createEndpoint(runDir: string): Promise<Endpoint> {
  const path = join(runDir, "host.sock")
  const expected = new Map<string, (connection: HostConnection, hello: Hello) => GuestEvents>()
  const sockets = new Set<Socket>()
  let strangers = 0

  const reads = new SharedRead({ allowHalfOpen: false, highWaterMark: 64 * 1024 })
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    if (strangers >= MAX_STRANGERS) {
      accepted.destroy()
      return
    }
    strangers++
    const { channel, socket } = acceptSocketChannel(accepted, reads)
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
    accept(channel, expected, () => strangers--)
  })
  await listen(server, path)

  return {
    path,
    expect(connected) {
      const token = randomBytes(24).toString("base64url")
      expected.set(token, connected)
      return { token, cancel: () => expected.delete(token) }
    },
    async close() {
      server.close()
      const closed = [...sockets].map((socket) => once(socket, "close"))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function accept(
  channel: Channel,
  expected: Map<string, (connection: HostConnection, hello: Hello) => GuestEvents>,
  known: () => void,
): void {
  let guest: GuestEvents | undefined
  let stranger = true
  const settle = (): void => {
    if (!stranger) return
    stranger = false
    clearTimeout(timer)
    known()
  }
  const connection = new HostConnection(
    endAsked(channel, (reason, finish) => {
      if (guest?.channelEnded === undefined) finish()
      else guest.channelEnded(reason, finish)
    }),
    {
      hello(hello) {
        const connected = expected.get(hello.token)
        if (connected === undefined) return connection.close("a guest that nobody expects")
        if (!isAccepted(hello.protocol)) {
          return connection.close(
            `a guest of protocol ${hello.protocol}; this host speaks ${PROTOCOL_VERSION}`,
          )
        }
        expected.delete(hello.token)
        settle()
        guest = connected(connection, hello)
      },
      started: (message) => guest?.started(message),
      startFailed: (message) => guest?.startFailed(message),
      log: (message) => guest?.log(message),
      output: (stream, bytes) => guest?.output(stream, bytes),
      shutdownComplete: () => guest?.shutdownComplete(),
      closed(reason, violation) {
        settle()
        guest?.closed(reason, violation)
      },
    },
    { schedule: setImmediate, now: () => performance.now() },
  )
  const timer = setTimeout(() => connection.close("a guest that said nothing"), HELLO_MS)
}

/** The channel, whose end is told to `ask` first. */
function endAsked(channel: Channel, ask: (reason: string, finish: () => void) => void): Channel {
  return {
    get bufferedBytes() {
      return channel.bufferedBytes
    },
    write: (chunks) => channel.write(chunks),
    close: (reason) => channel.close(reason),
    listen(listener) {
      channel.listen({
        data: (chunk) => listener.data(chunk),
        ended: (reason) => ask(reason, () => listener.ended(reason)),
      })
    },
  }
}

/** The same major version; any minor (a minor version only adds). */
function isAccepted(protocol: string): boolean {
  return protocol.split(".")[0] === PROTOCOL_VERSION.split(".")[0]
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, () => {
      server.off("error", reject)
      resolve()
    })
  })
}
