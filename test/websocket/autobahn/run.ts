/** Runs one case against one server that echoes messages. */
import { standsStill } from "../../support/deadline.ts"
import { closeFrame, type Frame, fragments, OP } from "../frames.ts"
import { closeCode, RawClient } from "../raw-client.ts"
import type { AutobahnCase, RoundTrips, Seen, Verdict } from "./case.ts"
import { ClientDeflate } from "./deflate.ts"
import { seen } from "./seen.ts"

/** How long a server is given to fail before more is sent. */
const PAUSE_MS = 60

export async function runCase(url: string, it: AutobahnCase, isShort: boolean): Promise<Verdict> {
  try {
    if (it.roundTrips !== undefined) return await runRoundTrips(url, it.roundTrips, isShort)
    return await runSteps(url, it)
  } catch (error) {
    return { kind: "FAILED", detail: error instanceof Error ? error.message : String(error) }
  }
}

async function runSteps(url: string, it: AutobahnCase): Promise<Verdict> {
  const client = await opened(url)
  try {
    const answers = new Answers(client)
    let isEarly = false
    for (const step of it.steps) {
      isEarly = client.ended || client.frames.some(({ opcode }) => opcode === OP.close)
      if (isEarly) break
      if (step === "pause") await pause(client)
      else await client.write(step.bytes, step.chop)
    }
    if (it.close === "normal") {
      await answers.upTo(it.ok.length)
      if (answers.code === null) await client.write(closeFrame(1000))
    }
    await answers.all()
    client.socket.end()
    await client.end()
    const problem = problemOf(it, answers, client)
    if (problem !== null) return { kind: "FAILED", detail: problem }
    if (it.informational === true)
      return { kind: "INFORMATIONAL", detail: answers.list.length > 0 ? "answered" : "closed" }
    if (it.failsFast === true && !isEarly)
      return { kind: "NON-STRICT", detail: "fails at the end of the message" }
    if (!isSame(answers.list, it.ok)) return { kind: "NON-STRICT", detail: "closed before an answer" }
    return { kind: "OK", detail: "" }
  } finally {
    client.destroy()
  }
}

async function runRoundTrips(url: string, trips: RoundTrips, isShort: boolean): Promise<Verdict> {
  const client = await opened(url, trips.offer)
  try {
    const extension = client.header("sec-websocket-extensions")
    if (trips.offer !== "" && extension === undefined)
      return { kind: "UNIMPLEMENTED", detail: "not negotiated" }
    const deflate = extension === undefined ? null : new ClientDeflate(extension)
    const opcode = trips.isText ? OP.text : OP.binary
    const count = isShort ? trips.shortCount : trips.count
    for (let i = 0; i < count; i++) {
      const payload = payloadOf(trips, i)
      const sent = deflate === null ? payload : deflate.compress(payload)
      const pieces = fragments(
        opcode,
        sent,
        trips.fragmentBytes || Number.POSITIVE_INFINITY,
        deflate === null ? 0 : 4,
      )
      const writing = client.write(Buffer.concat(pieces))
      const frames = await message(client)
      await writing
      const [first] = frames
      if (first === undefined || first.opcode !== opcode)
        return { kind: "FAILED", detail: `no echo of message ${i}` }
      const got = Buffer.concat(frames.map((it) => it.payload))
      const plain = first.rsv === 4 && deflate !== null ? deflate.decompress(got) : got
      if (!plain.equals(payload)) return { kind: "FAILED", detail: `message ${i} came back changed` }
    }
    await client.write(closeFrame(1000))
    const code = await client.closed()
    if (code !== 1000) return { kind: "FAILED", detail: `closed with ${code}` }
    return { kind: "OK", detail: "" }
  } finally {
    client.destroy()
  }
}

async function opened(url: string, offer = ""): Promise<RawClient> {
  const client = await RawClient.open(url, { headers: { "Sec-WebSocket-Extensions": offer } })
  if (client.status !== 101) throw new Error(`the handshake was answered ${client.status}: ${client.body}`)
  return client
}

async function pause(client: RawClient): Promise<void> {
  await standsStill(2000, "the connection", () => client.frames.length + (client.ended ? 1 : 0), PAUSE_MS)
}

async function message(client: RawClient): Promise<Frame[]> {
  const frames: Frame[] = []
  while (true) {
    const next = await client.next()
    if (next === null || next.opcode === OP.close) return []
    if (next.opcode >= 8) continue
    frames.push(next)
    if (next.fin) return frames
  }
}

/** Messages and pongs up to the server's Close. */
class Answers {
  readonly list: Seen[] = []
  /** Of the Close frame. */
  code: number | null = null
  readonly wrong: string[] = []
  readonly #client: RawClient
  #open: Frame[] = []
  #isOver = false

  constructor(client: RawClient) {
    this.#client = client
  }

  async upTo(count: number): Promise<void> {
    while (!this.#isOver && this.list.length < count) this.#take(await this.#client.next())
  }

  async all(): Promise<void> {
    while (!this.#isOver) this.#take(await this.#client.next())
  }

  #take(frame: Frame | null): void {
    if (frame === null || frame.opcode === OP.close) {
      this.#isOver = true
      if (frame !== null) this.code = closeCode(frame)
      return
    }
    if (frame.masked) this.wrong.push("a masked frame")
    if (frame.rsv !== 0) this.wrong.push("a frame with reserved bits")
    if (frame.opcode === OP.pong) this.list.push(seen("pong", frame.payload))
    // A server's own pings are its right.
    else if (frame.opcode !== OP.ping) this.#data(frame)
  }

  #data(frame: Frame): void {
    this.#open.push(frame)
    if (!frame.fin) return
    const kind = this.#open[0]?.opcode === OP.text ? "text" : "binary"
    this.list.push(seen(kind, Buffer.concat(this.#open.map(({ payload }) => payload))))
    this.#open = []
  }
}

function problemOf(it: AutobahnCase, answers: Answers, client: RawClient): string | null {
  const [wrong] = answers.wrong
  if (wrong !== undefined) return wrong
  if (!isSame(answers.list, it.ok) && !(it.nonStrict !== undefined && isSame(answers.list, it.nonStrict)))
    return `answers [${answers.list.join(", ")}], not [${it.ok.join(", ")}]`
  const codes = it.close === "normal" ? [1000] : it.close
  if (answers.code === null) return `no Close frame${client.isReset ? ", a reset" : ""}`
  if (!codes.includes(answers.code)) return `closed with ${answers.code}, not ${codes.join(" or ")}`
  return null
}

function isSame(a: readonly Seen[], b: readonly Seen[]): boolean {
  return a.length === b.length && a.every((it, i) => it === b[i])
}

/** Text that compresses as JSON does, different for each message. */
function payloadOf({ bytes, offer }: RoundTrips, i: number): Buffer {
  if (offer === "") return Buffer.alloc(bytes, "*")
  let text = ""
  for (let n = i; text.length < bytes; n++)
    text += `{"id":${n},"name":"user ${(n * 7919) % 1000}","tags":["a","b${n % 10}"],"active":${n % 3 === 0}},\n`
  return Buffer.from(text.slice(0, bytes))
}
