/**
 * The guest: one program for Node, Bun and Deno, preloaded into the app's process before its entry, which stays the
 * true main program. It connects back to the host, redirects `listen`, finds out how the app wants to be called and
 * answers requests. It does nothing in a process that the host did not start (children of the app inherit preloads).
 * Counterpart in the host: `runtimes/process/`.
 */
import cluster from "node:cluster"
import { connect } from "node:net"
import { PROTOCOL_VERSION } from "../../protocol/frames.ts"
import { GuestConnection } from "../../protocol/guest-connection.ts"
import { GUEST_VARIABLE, type GuestConfig } from "../guest-config.ts"
import { createSocketChannel } from "../socket-channel.ts"
import { startApp } from "./app.ts"
import { CLUSTER_WORKER_ENV, installCapture, installClusterWorker } from "./capture/index.ts"
import { makeNativeRequest } from "./fast-request.ts"
import { installWebGlobals } from "./web-globals.ts"

const text = process.env[GUEST_VARIABLE]
if (text !== undefined) {
  delete process.env[GUEST_VARIABLE]
  boot(JSON.parse(text) as GuestConfig)
} else if (process.env[CLUSTER_WORKER_ENV] !== undefined) installClusterWorker(cluster.isWorker)

function boot(config: GuestConfig): void {
  const socket = connect(config.channel)
  // An app that ends by itself before it is ready must be able to end.
  socket.unref()
  const channel = createSocketChannel(socket)
  const makeRequest = config.interface === "server" ? makeNativeRequest : installWebGlobals(config.runtime)
  const app = startApp(config, {
    makeRequest,
    keepAlive: () => socket.ref(),
    capture: installCapture({
      socketDir: config.socketDir,
      socketPrefix: config.socketPrefix,
      log: (level, message) => connection.log({ level, message }),
    }),
  })
  const connection = new GuestConnection(
    channel,
    {
      welcome: (welcome) => app.welcome(welcome),
      request: (stream) => app.request(stream),
      shutdown: (shutdown) => app.shutdown(shutdown.graceMs),
      // Without its host a guest has no reason to live. One that cannot run this is ended by the host's watchdog.
      closed: () => process.exit(0),
    },
    setImmediate,
  )
  app.connected(connection)
  connection.hello({
    protocol: PROTOCOL_VERSION,
    token: config.token,
    runtime: { name: config.runtime, version: runtimeVersion(config.runtime) },
    pid: process.pid,
    features: [],
  })
}

function runtimeVersion(name: GuestConfig["runtime"]): string {
  return name === "node" ? process.versions.node : (process.versions[name] ?? "")
}
