/** The command line's side of the calls that look into an app: sessions with an inspector, and files that may be large. */
import { type IncomingMessage, request } from "node:http"
import { WebSocket } from "ws"
import { MAX_INSPECTOR_MESSAGE_BYTES } from "../../runtimes/index.ts"
import { type AdminAnswer, notRunning } from "./client.ts"
import { connectPath } from "./socket-place.ts"

/** Longest answer that is an error. */
const MAX_PROBLEM_BYTES = 64 * 1024

/** A session, or the answer that refused it. @throws PolyhostError HOST_NOT_RUNNING */
export async function openSession(stateDir: string, path: string): Promise<WebSocket | AdminAnswer> {
  const socketPath = await connectPath(stateDir)
  const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, {
    perMessageDeflate: false,
    maxPayload: MAX_INSPECTOR_MESSAGE_BYTES,
  })
  return new Promise((resolve, reject) => {
    socket.on("error", (error) => reject(notRunning(stateDir, error)))
    socket.once("unexpected-response", (_request, response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
    })
    socket.once("open", () => {
      // Nothing may come before somebody listens.
      socket.pause()
      resolve(socket)
    })
  })
}

/** The answer to a POST as it comes, or the answer that refused it. @throws PolyhostError HOST_NOT_RUNNING */
export async function download(
  stateDir: string,
  path: string,
  signal: AbortSignal,
): Promise<IncomingMessage | AdminAnswer> {
  const socketPath = await connectPath(stateDir)
  return new Promise((resolve, reject) => {
    const headers = { Host: "localhost", "Content-Length": 0 }
    const outgoing = request(
      { socketPath, method: "POST", path, agent: false, headers, signal },
      (response) => {
        const { statusCode = 0 } = response
        if (statusCode === 200) resolve(response)
        else textOf(response).then((text) => resolve({ status: statusCode, text }), reject)
      },
    )
    outgoing.on("error", (error) => reject(notRunning(stateDir, error)))
    outgoing.end()
  })
}

function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ""
    response.setEncoding("utf8")
    response.on("data", (chunk: string) => {
      if (text.length < MAX_PROBLEM_BYTES) text += chunk
    })
    response.on("error", reject)
    response.on("end", () => resolve(text))
  })
}
