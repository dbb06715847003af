/** The cell's side of the harness's own fetch: asks the harness's server, whatever host the address names. */
import { request } from "node:http"

export interface LocalRequest {
  readonly port: number
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly body: ArrayBuffer | null
}

export interface LocalAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: string[]
  readonly body: ArrayBuffer
}

export function fetchLocal({ port, method, url, headers, body }: LocalRequest): Promise<LocalAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<LocalAnswer>()
  const { pathname, search, host } = new URL(url)
  const asked = request({
    host: "127.0.0.1",
    port,
    method,
    path: pathname + search,
    headers: ["Host", host, ...headers],
  })
  asked.on("error", reject)
  asked.on("response", (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("error", reject)
    response.on("end", () => {
      resolve({
        status: response.statusCode!,
        statusText: response.statusMessage ?? "",
        headers: response.rawHeaders,
        body: new Uint8Array(Buffer.concat(parts)).buffer,
      })
    })
  })
  asked.end(body === null ? undefined : new Uint8Array(body))
  return promise
}
