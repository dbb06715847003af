/** What a connection does at its edges: much at once, half an end, the listener's close, and each in the middle of something. */
import { describe, expect, test } from "vitest"
import type { HostExchange } from "../../host/exchange.ts"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { Http1Connection } from "../../host/listener/http1/connection.ts"
import { createServices } from "../../host/listener/http1/services.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import { MemorySocket } from "./memory-socket.ts"

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
const NO_LINES = new Uint8Array(0)

class Rig {
  readonly socket = new MemorySocket()
  readonly exchanges: HostExchange[] = []
  readonly refusals: string[] = []
  readonly left: number[] = []
  readonly connection: Http1Connection
  /** Requests are answered in the moment that they come. */
  answersAtOnce = true

  constructor() {
    let ids = 0
    const services = createServices({
      settings: DEFAULT_HTTP_SETTINGS,
      errorPages: new Map(),
      ids: { next: () => `id${ids++}` },
      streamed: new StreamedBytes(null),
      handle: (exchange) => this.#handle(exchange),
      refused: ({ code }) => this.refusals.push(code),
    })
    const peer = { address: "192.0.2.1", scheme: "http", clientCert: "" } as const
    this.connection = new Http1Connection(this.socket.socket, peer, services, () => undefined)
    this.socket.onBytes = (bytes) => this.connection.received(bytes)
  }

  send(text: string): this {
    this.socket.receive(Buffer.from(text, "latin1"))
    return this
  }

  answer(index: number): void {
    this.exchanges[index]!.respond(
      { status: 200, reason: "", lines: NO_LINES },
      Buffer.from(`${index}`),
      true,
    )
  }

  get answers(): number {
    return this.socket.written.split("HTTP/1.1 200").length - 1
  }

  #handle(exchange: HostExchange): void {
    const index = this.exchanges.push(exchange) - 1
    exchange.attach({
      requestBody: () => undefined,
      drained: () => undefined,
      left: () => this.left.push(index),
    })
    if (this.answersAtOnce) this.answer(index)
  }
}

describe("a client that asks on", () => {
  test("and takes no answers gets no more of them, until it does", () => {
    const rig = new Rig()
    rig.socket.takes = false
    rig.send(GET.repeat(5000))
    expect(rig.exchanges).toHaveLength(1)
    rig.send(GET)
    expect(rig.socket.isHeldBack).toBe(true)
    rig.socket.takes = true
    for (let i = 0; i < 5; i++) rig.socket.turn()
    expect(rig.answers).toBe(5001)
    rig.socket.emitClose()
  })

  test("while one is answered is held back at 64 KiB", () => {
    const rig = new Rig()
    rig.answersAtOnce = false
    rig.send(GET).send(GET.repeat(1000)).send(GET.repeat(2000))
    expect([rig.exchanges.length, rig.socket.isPaused()]).toEqual([1, true])
    rig.send("x".repeat(100_000))
    expect(rig.socket.isHeldBack).toBe(true)
    rig.socket.emitClose()
    expect(rig.left).toEqual([0])
  })
})

describe("a client that ends its half", () => {
  test("after several requests gets all answers, then the end", () => {
    const rig = new Rig()
    rig.answersAtOnce = false
    rig.send(GET + GET)
    rig.socket.emit("end")
    rig.answer(0)
    expect([rig.exchanges.length, rig.socket.ended]).toEqual([2, false])
    rig.answer(1)
    expect([rig.answers, rig.socket.ended]).toEqual([2, true])
    rig.socket.emitClose()
  })

  test("in the middle of a head loses no answer before it", () => {
    const rig = new Rig().send(`${GET}GET / HT`)
    rig.socket.emit("end")
    expect([rig.answers, rig.socket.ended, rig.socket.destroyed]).toEqual([1, true, false])
    rig.socket.emitClose()
  })

  test("in the middle of a body has left", () => {
    const rig = new Rig()
    rig.answersAtOnce = false
    rig.send(`${POST}1234`)
    rig.exchanges[0]!.pull(100)
    rig.socket.emit("end")
    expect(rig.socket.destroyed).toBe(true)
    rig.socket.emitClose()
    expect(rig.left).toEqual([0])
  })

  test("after it was refused is not answered twice", () => {
    const rig = new Rig().send("nonsense\r\n\r\n")
    const { written } = rig.socket
    rig.socket.emit("end")
    expect([rig.socket.written, rig.refusals]).toEqual([written, ["BAD_REQUEST"]])
    rig.socket.emitClose()
  })
})

describe("a listener that closes", () => {
  test.each([
    ["between requests", GET],
    ["in a head", `${GET}GET / HT`],
    ["in a body that nobody reads any more", `${POST}1234`],
  ])("%s ends the connection at once", (_what, bytes) => {
    const rig = new Rig().send(bytes)
    rig.connection.closeSoon()
    expect([rig.answers, rig.socket.ended]).toEqual([1, true])
    // What comes after it is nobody's.
    rig.send(GET)
    expect(rig.exchanges).toHaveLength(1)
    rig.socket.emitClose()
  })

  test("in a request lets it be answered, and says that it is the last", () => {
    const rig = new Rig()
    rig.answersAtOnce = false
    rig.send(GET + GET)
    rig.connection.closeSoon()
    expect(rig.socket.ended).toBe(false)
    rig.answer(0)
    expect([rig.answers, rig.exchanges.length, rig.socket.ended]).toEqual([1, 1, true])
    expect(rig.socket.written).toContain("\r\nConnection: close\r\n")
    rig.socket.emitClose()
  })
})

describe("a body that nobody reads", () => {
  test("is dropped, and the next request read", () => {
    const rig = new Rig().send(`${POST}12345`)
    expect(rig.answers).toBe(1)
    rig.send(`67890${GET}`)
    expect([rig.answers, rig.socket.ended]).toEqual([2, false])
    rig.socket.emitClose()
  })

  test("and is malformed ends the connection without another answer", () => {
    const rig = new Rig().send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
    rig.send(`helloX${GET}`)
    expect([rig.answers, rig.exchanges.length, rig.socket.ended]).toEqual([1, 1, true])
    rig.socket.emitClose()
  })

  test("for which a client still waits closes the connection after the answer", () => {
    const rig = new Rig().send(POST.replace("Host: a", "Host: a\r\nExpect: 100-continue"))
    expect(rig.socket.written).toContain("\r\nConnection: close\r\n")
    expect(rig.socket.written).not.toContain("100 Continue")
    rig.send(`1234567890${GET}`)
    expect([rig.exchanges.length, rig.socket.ended]).toEqual([1, true])
    rig.socket.emitClose()
  })
})
