/** One request on a connection of its own, for questions that are not measured. */
import { type IncomingMessage, request } from "node:http"
import { connect } from "node:http2"
import { request as requestTls } from "node:https"

export interface Address {
  readonly url: string
  /** A unix socket, where the server listens on one. */
  readonly socketPath?: string
  /** It speaks HTTP/2 alone, or is to be asked by it. */
  readonly http2?: boolean
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
/** Certificates here are made for one run, and signed by nobody. */
const OWN = { rejectUnauthorized: false } as const

export function ask(address: Address, question: Question = GET): Promise<Answer> {
  return address.http2 === true ? askHttp2(address.url) : askHttp1(address, question)
}

function askHttp1({ url, socketPath }: Address, question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = (url.startsWith("https:") ? requestTls : request)(url, {
      ...OWN,
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
    outgoing.once("response", (response: IncomingMessage) => {
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

/** GET alone. */
function askHttp2(url: string): Promise<Answer> {
  const { origin, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const session = connect(origin, OWN)
    session.once("error", reject)
    session.setTimeout(SILENCE_MS, () => session.destroy(new Error(`${url}: silent for ${SILENCE_MS} ms`)))
    const stream = session.request({ ":path": pathname })
    let status = 0
    let body = ""
    stream.once("response", (head) => {
      status = head[":status"] ?? 0
    })
    stream.setEncoding("utf8")
    stream.on("data", (chunk: string) => {
      body += chunk
    })
    stream.once("error", reject)
    stream.once("end", () => {
      resolve({ status, body })
      session.destroy()
    })
  })
}
