/** One answer as text in, what the reader made of it out; and what Node's own client makes of the same bytes. */
import { request } from "node:http"
import { Duplex } from "node:stream"
import { ResponseReader, type ResponseSink } from "../../runtimes/process/upstream/response-reader.ts"

export interface ReadAnswer {
  readonly informed: [number, string][]
  status: number
  reason: string
  lines: string
  body: string
  trailers: string
  /** Pieces of the body that were handed on. */
  pieces: number
  /** The answer is whole. */
  whole: boolean
  /** Bytes after its end. */
  excessBytes: number
  error: string
}

/** Reads `text` (Latin-1), cut at `cuts`; then the connection ends. */
export function readAnswer(text: string, cuts: readonly number[] = [], withoutBody = false): ReadAnswer {
  const bytes = Buffer.from(text, "latin1")
  const answer: ReadAnswer = {
    informed: [],
    status: 0,
    reason: "",
    lines: "",
    body: "",
    trailers: "",
    pieces: 0,
    whole: false,
    excessBytes: 0,
    error: "",
  }
  const reader = new ResponseReader()
  reader.start(withoutBody)
  const sink: ResponseSink = {
    responseInformed: (status, lines) => answer.informed.push([status, latin1(lines)]),
    responseUpgraded() {
      throw new Error("an upgrade that nobody asked for")
    },
    responseHead({ status, reason, lines }, body) {
      Object.assign(answer, { status, reason, lines: latin1(lines) })
      if (body !== null) this.responseBody(body, false, undefined)
    },
    responseBody(piece, _end, trailers) {
      answer.body += latin1(piece)
      answer.pieces++
      if (trailers !== undefined) answer.trailers = latin1(trailers)
    },
  }
  const block = new Uint8Array(bytes.length)
  let filled = 0
  let at = 0
  for (const cut of [...cuts.filter((place) => place < bytes.length), bytes.length]) {
    if (cut <= at || reader.error !== "") continue
    if (reader.ended) break
    // As a connection does: every piece into the same block, so that what is kept of it shows.
    block.fill(0, 0, filled)
    block.set(bytes.subarray(at, cut))
    filled = cut - at
    reader.read(block, 0, cut - at, sink)
    at = cut
    answer.excessBytes = bytes.length - at + reader.excessBytes
  }
  if (!reader.ended && reader.error === "") reader.finish(sink)
  answer.whole = reader.ended && reader.error === ""
  answer.error = reader.error
  return answer
}

export interface OracleAnswer {
  readonly accepted: boolean
  readonly status: number
  readonly reason: string
  readonly lines: string
  readonly body: string
  readonly trailers: string
}

/** What `node:http` (llhttp) makes of it. */
export function askOracle(text: string, method = "GET"): Promise<OracleAnswer> {
  return new Promise((resolve) => {
    const refused = { accepted: false, status: 0, reason: "", lines: "", body: "", trailers: "" }
    let sent = false
    let answered = false
    const socket = new Duplex({
      read() {},
      write(_chunk, _encoding, written) {
        written()
        if (sent) return
        sent = true
        socket.push(Buffer.from(text, "latin1"))
        socket.push(null)
      },
    })
    const asking = request({ method, createConnection: () => socket, maxHeaderSize: 1 << 20 })
    asking.on("response", (response) => {
      let body = ""
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString("latin1")
      })
      answered = true
      response.on("error", () => resolve(refused))
      response.on("close", () => resolve(refused))
      response.on("end", () => {
        resolve({
          accepted: response.complete,
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? "",
          lines: pairs(response.rawHeaders),
          body,
          trailers: pairs(response.rawTrailers),
        })
        asking.destroy()
      })
    })
    asking.on("upgrade", () => resolve(refused))
    asking.on("error", () => resolve(refused))
    asking.on("close", () => {
      if (!answered) resolve(refused)
    })
    asking.end()
  })
}

function pairs(raw: readonly string[]): string {
  let lines = ""
  for (let i = 0; i < raw.length; i += 2) lines += `${raw[i]}: ${raw[i + 1]}\r\n`
  return lines
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1")
}
