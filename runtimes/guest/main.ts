/**
 * The guest: one program for Node, Bun and Deno, preloaded into the app's process before its entry, which stays the
 * true main program. It connects back to the host, redirects `listen`, finds out how the app wants to be called and
 * answers requests. It does nothing in a process that the host did not start (children of the app inherit preloads).
 * Counterpart in the host: `runtimes/process/`.
 */
import cluster from "node:cluster"
import type { CallClient } from "../../protocol/calls/call-client.ts"
import { PROTOCOL_VERSION } from "../../protocol/frames.ts"
import { GuestConnection } from "../../protocol/guest-connection.ts"
import { GUEST_VARIABLE, type GuestConfig } from "../guest-config.ts"
import { connectSocketChannel } from "../socket-channel.ts"
import { type GuestApp, startApp } from "./app.ts"
import { CLUSTER_WORKER_ENV, installCapture, installClusterWorker } from "./capture/index.ts"
import { makeNativeRequest } from "./fast-request.ts"
import { prepareInspector } from "./inspector.ts"
import { mainStarted } from "./main-started.ts"
import { installBindings } from "./process-bindings.ts"
import { explainLimits, redirectOutput, type ThreadOutput } from "./thread.ts"
import { installWebGlobals } from "./web-globals.ts"

const text = process.env[GUEST_VARIABLE]
if (text !== undefined) {
  delete process.env[GUEST_VARIABLE]
  boot(JSON.parse(text) as GuestConfig)
} else if (process.env[CLUSTER_WORKER_ENV] !== undefined) installClusterWorker(cluster.isWorker)

function boot(config: GuestConfig): void {
  prepareInspector(config)
  const output = config.inThread === true ? redirectOutput(config.instance ?? "") : null
  const capture = installCapture({
    socketDir: config.socketDir,
    socketPrefix: config.socketPrefix,
    log: (level, message) => app.log(level, message),
  })
  const started = mainStarted(config)
  const makeRequest = config.interface === "server" ? makeNativeRequest : installWebGlobals(config.runtime)
  const bindings = installBindings(config.bindings ?? [])
  const app = startApp(config, { capture, mainStarted: started, makeRequest, bindings })
  const connect = (): void => connectToHost(config, app, { output, calls: bindings.calls })
  // Deno before 2.9 does not load the entry while its preload has a socket open. One that listens or asks was loaded.
  if (config.runtime === "deno" && !config.mainIsGuest) {
    Promise.race([started, capture.first, bindings.needed]).then(connect)
  } else connect()
  if (output !== null) explainLimits((level, message) => app.log(level, message))
}

interface ConnectionParts {
  readonly output: ThreadOutput | null
  readonly calls: CallClient
}

function connectToHost(config: GuestConfig, app: GuestApp, { output, calls }: ConnectionParts): void {
  const { channel, socket } = connectSocketChannel(config.channel, config.runtime === "node")
  const connection = new GuestConnection(
    channel,
    {
      welcome: (welcome) => app.welcome(welcome),
      request: (stream) => app.request(stream),
      webSocket: (socket) => app.webSocket(socket),
      shutdown: (shutdown) => app.shutdown(shutdown.graceMs),
      // Without its host a guest has no reason to live. One that cannot run this is ended by the host's watchdog.
      closed: () => process.exit(0),
    },
    // All requests of one read are answered, as far as they can be, before it runs: their answers leave in one write.
    process.nextTick,
    calls,
  )
  connection.hello({
    protocol: PROTOCOL_VERSION,
    token: config.token,
    runtime: { name: config.runtime, version: runtimeVersion(config.runtime) },
    pid: process.pid,
    features: [],
  })
  if (output !== null) socket.once("connect", () => output.use(connection))
  app.connected(connection, socket)
}

function runtimeVersion(name: GuestConfig["runtime"]): string {
  return name === "node" ? process.versions.node : (process.versions[name] ?? "")
}
