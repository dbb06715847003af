/** One request on a connection of its own, for questions that are not measured. */
import { request } from "node:http"

export interface Address {
  readonly url: string
  /** A unix socket, where the server listens on one. */
  readonly socketPath?: string
}

export interface Question {
  readonly method: "GET" | "POST"
  readonly bodyLength: number
  /** Lines `Name: value`. */
  readonly headers: readonly string[]
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Longest silence, in milliseconds. */
const SILENCE_MS = 30_000
const GET: Question = { method: "GET", bodyLength: 0, headers: [] }

export function ask({ url, socketPath }: Address, question: Question = GET): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent: false,
      timeout: SILENCE_MS,
      method: question.method,
      ...(socketPath === undefined ? {} : { socketPath }),
    })
    for (const line of question.headers) {
      const colon = line.indexOf(": ")
      outgoing.setHeader(line.slice(0, colon), line.slice(colon + 2))
    }
    outgoing.once("error", reject)
    outgoing.once("timeout", () => outgoing.destroy(new Error(`${url}: silent for ${SILENCE_MS} ms`)))
    outgoing.once("response", (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        body += chunk
      })
      response.once("error", reject)
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.end(question.bodyLength > 0 ? "x".repeat(question.bodyLength) : undefined)
  })
}
