/** A client of node:http2 that asks for one thing at a time, or for many. */
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2"
import { onTestFinished } from "vitest"

export interface Answer {
  readonly status: number
  readonly fields: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  readonly trailers: IncomingHttpHeaders
  /** Statuses and fields of informational answers. */
  readonly informed: IncomingHttpHeaders[]
  /** The stream's end: 0 when it was not reset. */
  readonly rstCode: number
}

export interface Question {
  readonly fields?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  readonly trailers?: OutgoingHttpHeaders
}

/** Destroyed when the test has finished. */
export async function session(url: string, settings: object = {}): Promise<ClientHttp2Session> {
  const it = connect(url, { rejectUnauthorized: false, ...settings })
  it.on("error", () => undefined)
  onTestFinished(() => it.destroy())
  await new Promise<void>((resolve, reject) => {
    it.once("connect", () => resolve())
    it.once("error", reject)
  })
  return it
}

/** Resolves at the end of the stream, whatever that is. */
export function ask(client: ClientHttp2Session, path: string, question: Question = {}): Promise<Answer> {
  const { fields = {}, body, trailers } = question
  const hasBody = body !== undefined || trailers !== undefined
  const stream = client.request(
    { ":path": path, ":method": hasBody ? "POST" : "GET", ...fields },
    { endStream: !hasBody, waitForTrailers: trailers !== undefined },
  )
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers))
  if (hasBody) stream.end(body)
  return answerOf(stream)
}

export function answerOf(stream: ReturnType<ClientHttp2Session["request"]>): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const informed: IncomingHttpHeaders[] = []
    let answer: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    stream.on("headers", (fields) => informed.push(fields))
    stream.on("response", (fields) => {
      answer = fields
    })
    stream.on("trailers", (fields) => {
      trailers = fields
    })
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("error", () => undefined)
    stream.on("close", () => {
      const body = Buffer.concat(chunks)
      const status = Number(answer[":status"] ?? 0)
      const { rstCode } = stream
      resolve({
        status,
        fields: answer,
        body,
        text: body.toString("latin1"),
        trailers,
        informed,
        rstCode: rstCode ?? 0,
      })
    })
  })
}
