/**
 * The calls of the admin API that look into an app: its inspector over a WebSocket, a CPU profile, a heap snapshot. Finds the app,
 * reads the query, answers; what is carried is `host/inspect/`.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { type WebSocket, WebSocketServer } from "ws"
import { PolyhostError } from "../../protocol/errors.ts"
import { MAX_INSPECTOR_MESSAGE_BYTES } from "../../runtimes/index.ts"
import type { OwnHost } from "../index.ts"
import { bridge } from "../inspect/bridge.ts"
import { cpuProfile, heapSnapshot } from "../inspect/capture.ts"
import type { Inspection } from "../supervisor/inspection.ts"
import { decodeName } from "./calls.ts"
import { AdminProblem, problemText, sendJson } from "./problem.ts"

export type InspectHost = Pick<OwnHost, "inspect" | "inspectable">

const PATH = /^\/v1\/apps\/([^/]+)\/(inspect|profile|heap-snapshot)$/
const SECONDS = { least: 0.1, most: 300, usual: 5 }

export interface InspectCalls {
  /** Answers the call, or returns false: it is another's. @throws AdminProblem, PolyhostError while nothing was answered */
  answer(message: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Answers an upgrade. @throws AdminProblem, PolyhostError while nothing was answered */
  upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /** Ends every session now. */
  close(): void
}

export function inspectCalls(host: InspectHost): InspectCalls {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INSPECTOR_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  const aborts = new Set<AbortController>()

  return {
    async answer(message, response) {
      const { name, verb, query } = read(message)
      if (verb === null) return false
      if (verb === "inspect") {
        if (message.method !== "GET") throw notAllowed(message, "GET")
        sendJson(response, host.inspectable(name))
        return true
      }
      if (message.method !== "POST") throw notAllowed(message, "POST")
      const seconds = verb === "profile" ? secondsOf(query) : 0
      const abort = new AbortController()
      aborts.add(abort)
      response.on("close", () => abort.abort())
      const inspection = await host.inspect(name, query.get("instance"))
      try {
        const capture = { inspection, signal: abort.signal }
        if (verb === "profile") {
          const text = await cpuProfile(capture, seconds)
          await inspection.close()
          begin(response, inspection, "cpuprofile").end(text)
        } else {
          await heapSnapshot(capture, () => begin(response, inspection, "heapsnapshot"))
          if (!response.headersSent)
            throw new PolyhostError("RUNTIME_INSPECTOR_FAILED", "its inspector gave no snapshot")
          await inspection.close()
          response.end()
        }
      } catch (error) {
        // An answer that has begun can only be cut, so that nobody takes half of it for the whole.
        if (!response.headersSent) throw error
        response.destroy()
      } finally {
        aborts.delete(abort)
        await inspection.close()
      }
      return true
    },

    async upgrade(message, socket, head) {
      const { name, verb, query } = read(message)
      if (verb !== "inspect") throw new AdminProblem("NOT_FOUND", "no WebSocket there")
      const inspection = await host.inspect(name, query.get("instance"))
      const accepted = await accept(sockets, { message, socket, head })
      if (accepted === null) await inspection.close()
      else await bridge(accepted, inspection)
    },

    close() {
      for (const abort of aborts) abort.abort()
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}

/** Answers an upgrade that is refused; a WebSocket client shows the status and no more. */
export function refuseUpgrade(socket: Duplex, thrown: unknown): void {
  const { status, title, headers, body } = problemText(thrown)
  const lines = [
    `HTTP/1.1 ${status} ${title}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
    "Connection: close",
  ]
  if (!socket.writable) return void socket.destroy()
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]))
}

function read(message: IncomingMessage): { name: string; verb: string | null; query: URLSearchParams } {
  const [path = "", query = ""] = (message.url ?? "/").split("?", 2)
  const match = PATH.exec(path)
  const verb = match?.[2] ?? null
  return { name: match === null ? "" : decodeName(match[1] ?? ""), verb, query: new URLSearchParams(query) }
}

function secondsOf(query: URLSearchParams): number {
  const text = query.get("seconds")
  const seconds = text === null ? SECONDS.usual : Number(text)
  if (text !== "" && seconds >= SECONDS.least && seconds <= SECONDS.most) return seconds
  throw new AdminProblem("BAD_REQUEST", `seconds is a number from ${SECONDS.least} to ${SECONDS.most}`)
}

/** Sends the head of an answer that is a file. */
function begin(response: ServerResponse, { instance }: Inspection, ending: string): ServerResponse {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "")
  return response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Disposition": `attachment; filename="${instance}-${time}.${ending}"`,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  })
}

function accept(
  sockets: WebSocketServer,
  { message, socket, head }: { message: IncomingMessage; socket: Duplex; head: Buffer },
): Promise<WebSocket | null> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve(null))
    sockets.handleUpgrade(message, socket, head, resolve)
  })
}

function notAllowed({ method = "" }: IncomingMessage, allowed: string): AdminProblem {
  return new AdminProblem("METHOD_NOT_ALLOWED", `${method} is not allowed here (allowed: ${allowed})`, {
    Allow: allowed,
  })
}
