/** Calls the admin API over the unix socket of a state directory: what the commands other than `serve` do. */
import { request } from "node:http"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { adminSocketPath, connectPath } from "./socket-place.ts"

export interface AdminAnswer {
  readonly status: number
  /** The answer as it came; JSON. */
  readonly text: string
}

export interface AdminCall {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly signal?: AbortSignal
}

/** @throws PolyhostError HOST_NOT_RUNNING when nobody answers there */
export async function callAdmin(stateDir: string, call: AdminCall): Promise<AdminAnswer> {
  const socketPath = await connectPath(stateDir)
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(notRunning(stateDir, error))
    const outgoing = request(
      {
        socketPath,
        method: call.method,
        path: call.path,
        agent: false,
        headers: { Host: "localhost", "Content-Length": 0 },
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", failed)
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on("error", failed)
    outgoing.end()
  })
}

export function notRunning(stateDir: string, cause: Error): PolyhostError {
  const path = adminSocketPath(stateDir)
  const code = (cause as NodeJS.ErrnoException).code
  const seen =
    code === "ENOENT"
      ? "there is no socket"
      : code === "ECONNREFUSED"
        ? "nobody listens there any more"
        : code === "EACCES"
          ? "it belongs to another user"
          : messageOf(cause)
  return new PolyhostError("HOST_NOT_RUNNING", `no host answers at ${path}: ${seen}`, { cause })
}
