/** The servers that the cases are run against: all behind one host, but for `ws` by itself, which shows what is its own doing. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { WebSocketServer } from "ws"
import { type TestApp, TestHost } from "../../support/harness.ts"

export interface Column {
  readonly id: string
  readonly title: string
  /** Null: without a host. */
  readonly app: TestApp | null
}

const hooks: TestApp = {
  dir: join(import.meta.dirname, "../apps/hooks"),
  entry: "app.mjs",
  websocket: { compression: true },
}

export const COLUMNS: readonly Column[] = [
  { id: "alone", title: "`ws` alone", app: null },
  {
    id: "tunnel",
    title: "`ws` behind the host",
    app: { dir: join(import.meta.dirname, "../apps/server"), entry: "app.mjs" },
  },
  { id: "node", title: "hooks on node", app: hooks },
  { id: "isolate", title: "hooks on isolate", app: { ...hooks, runtime: "isolate" } },
]

export interface Servers {
  urlOf(column: Column): string
  close(): Promise<void>
}

export async function startServers(columns: readonly Column[]): Promise<Servers> {
  const apps: Record<string, TestApp> = {}
  for (const { id, app } of columns) if (app !== null) apps[id] = app
  const host = await TestHost.start(apps)
  const alone = createServer()
  const sockets = new WebSocketServer({ server: alone, perMessageDeflate: true, maxFragments: 65_536 })
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined)
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }))
  })
  await new Promise<void>((resolve) => alone.listen(0, "127.0.0.1", resolve))
  return {
    urlOf: ({ id, app }) =>
      app === null ? `http://127.0.0.1:${(alone.address() as AddressInfo).port}/` : `${host.url}/${id}/`,
    async close() {
      alone.closeAllConnections()
      await new Promise((resolve) => alone.close(resolve))
      await host.close()
    },
  }
}
