/** Both ends of a connection in memory, each under the lint, with a guest that a test scripts. */
import type { CallHandlers } from "../../protocol/calls/call-server.ts"
import type { Channel } from "../../protocol/channel.ts"
import { GuestConnection } from "../../protocol/guest-connection.ts"
import type { GuestStream } from "../../protocol/guest-stream.ts"
import { HostConnection } from "../../protocol/host-connection.ts"
import { lintChannel } from "../../protocol/lint.ts"
import { createChannelPair } from "../../protocol/memory-channel.ts"
import type { Hello, Log, StartupComplete, StartupFailed, Welcome } from "../../protocol/messages.ts"
import type { WebSocketAcceptor } from "../../protocol/websocket.ts"

export const HELLO: Hello = {
  protocol: "1.0",
  token: "token",
  runtime: { name: "test", version: "1.0.0" },
  pid: 1,
  features: [],
}

export const WELCOME: Welcome = {
  protocol: "1.0",
  app: { name: "app", dir: "/app", entry: "/app/server.js", generation: 1, instance: "app-1" },
  interface: "auto",
  socketDir: "/run/polyhost",
  socketPrefix: "app-1.",
  windowBytes: 256 * 1024,
}

export interface HostRecord {
  readonly connection: HostConnection
  readonly hellos: Hello[]
  readonly starts: StartupComplete[]
  readonly failures: StartupFailed[]
  readonly logs: Log[]
  readonly outputs: { stream: "stdout" | "stderr"; text: string }[]
  readonly closes: { reason: string; violation: boolean }[]
  readonly closed: Promise<void>
  shutdowns: number
}

export interface HostOptions {
  readonly now?: () => number
  readonly schedule?: (run: () => void) => void
  readonly calls?: CallHandlers
  readonly sockets?: WebSocketAcceptor
}

/** A HostConnection that welcomes whoever says hello, with a record of its events. */
export function recordHost(channel: Channel, options: HostOptions = {}): HostRecord {
  const settle = { closed: (): void => {} }
  const closed = new Promise<void>((resolve) => {
    settle.closed = resolve
  })
  const connection: HostConnection = new HostConnection(
    channel,
    {
      hello: (hello) => {
        record.hellos.push(hello)
        record.connection.welcome(WELCOME, options.calls, options.sockets)
      },
      started: (ready) => record.starts.push(ready),
      startFailed: (failure) => record.failures.push(failure),
      log: (log) => record.logs.push(log),
      output: (stream, bytes) => record.outputs.push({ stream, text: Buffer.from(bytes).toString() }),
      shutdownComplete: () => {
        record.shutdowns++
      },
      closed: (reason, violation) => {
        record.closes.push({ reason, violation })
        settle.closed()
      },
    },
    { schedule: options.schedule ?? setImmediate, now: options.now ?? (() => performance.now()) },
  )
  const record: HostRecord = {
    connection,
    hellos: [],
    starts: [],
    failures: [],
    logs: [],
    outputs: [],
    closes: [],
    closed,
    shutdowns: 0,
  }
  return record
}

export interface Pair {
  readonly host: HostRecord
  readonly guest: GuestConnection
  readonly hostChannel: Channel
  readonly guestChannel: Channel
  readonly broken: string[]
  readonly guestCloses: string[]
}

/** A started conversation: `app` answers requests. */
export async function startPair(app: (stream: GuestStream) => void, calls?: CallHandlers): Promise<Pair> {
  const broken: string[] = []
  const guestCloses: string[] = []
  const [left, right] = createChannelPair(setImmediate)
  const hostChannel = lintChannel(left, "host", (rule, message) =>
    broken.push(`host end ${rule}: ${message}`),
  )
  const guestChannel = lintChannel(right, "guest", (rule, message) =>
    broken.push(`guest end ${rule}: ${message}`),
  )
  const host = recordHost(hostChannel, calls === undefined ? {} : { calls })
  const guest: GuestConnection = new GuestConnection(
    guestChannel,
    {
      welcome: () => guest.started({ interface: "fetch" }),
      request: app,
      shutdown: () => guest.shutdownComplete(),
      closed: (reason) => guestCloses.push(reason),
    },
    setImmediate,
  )
  guest.hello(HELLO)
  await until(() => host.starts.length > 0)
  return { host, guest, hostChannel, guestChannel, broken, guestCloses }
}

/** Turns of the event loop until `condition` holds. */
export async function until(condition: () => boolean, turns = 20_000): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`not true after ${turns} turns of the event loop: ${condition}`)
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Everything in `stream`'s request body, with credit given as it is read. */
export function readBody(stream: GuestStream): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    stream.events = {
      requestBody(chunk, end) {
        chunks.push(chunk)
        if (end) resolve(Buffer.concat(chunks))
        else stream.credit(chunk.length)
      },
      writable: () => {},
      disconnected: () => reject(new Error("disconnected")),
    }
    stream.openBody()
    if (!stream.head.hasBody) resolve(new Uint8Array(0))
  })
}

/** Answers with `body` in pieces as credit allows. */
export function answer(stream: GuestStream, body: Uint8Array, pieceBytes = 64 * 1024): void {
  let at = 0
  const events = stream.events
  const send = (): void => {
    while (at < body.length && stream.writable > 0 && !stream.done) {
      const end = Math.min(body.length, at + Math.min(stream.writable, pieceBytes))
      const piece = body.subarray(at, end)
      at = end
      stream.write(piece, at === body.length)
    }
  }
  stream.events = {
    requestBody: (chunk, end) => events?.requestBody(chunk, end),
    writable: send,
    disconnected: () => events?.disconnected(),
  }
  stream.respond({ status: 200, reason: "", lines: "content-type: text/plain\r\n" }, null, body.length === 0)
  send()
}
