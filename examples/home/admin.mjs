// One call of the admin API over its unix socket.
import { get } from "node:http"

/** The answer of `GET /v1/status`. Rejects when nobody listens there, or the answer is not what it should be. */
export function readStatus(socketPath, signal) {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path: "/v1/status", signal, timeout: 1000 }, async (response) => {
      try {
        const chunks = await Array.fromAsync(response)
        if (response.statusCode !== 200) throw new Error(`GET /v1/status answered ${response.statusCode}`)
        resolve(JSON.parse(Buffer.concat(chunks).toString()))
      } catch (error) {
        reject(error)
      }
    })
    request.on("timeout", () => request.destroy(new Error("no answer within a second")))
    request.on("error", reject)
  })
}
