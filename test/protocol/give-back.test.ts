/** What becomes of exchanges when their connection is closed through no fault of their app. */
import { describe, expect, it } from "vitest"
import type { Untaken } from "../../protocol/exchange.ts"
import { HostileGuest } from "./hostile-guest.ts"
import { MemoryExchange, type MemoryExchangeOptions } from "./memory-exchange.ts"
import * as make from "./raw-frames.ts"

interface Served {
  readonly exchange: MemoryExchange
  readonly back: Parameters<Untaken>[]
}

function serve(guest: HostileGuest, options: MemoryExchangeOptions = {}): Served {
  const served: Served = { exchange: new MemoryExchange(options), back: [] }
  guest.host.connection.serve(served.exchange, (...delivered) => served.back.push(delivered))
  return served
}

function close(guest: HostileGuest, collateral = true): void {
  guest.host.connection.close("the cell is replaced", "APP_CRASHED", { collateral })
  guest.pipe.end()
}

describe("a connection that is closed as collateral", () => {
  it("gives back what the guest has nothing of, whatever its method", () => {
    const guest = HostileGuest.ready()
    serve(guest)
    const waiting = serve(guest, { head: { method: "POST" } })
    close(guest)
    expect(waiting.back).toEqual([[]])
    expect(waiting.exchange.endings).toEqual([])
  })

  it.each([
    "GET",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "TRACE",
  ])("gives a %s back that was delivered, and says so", (method) => {
    const guest = HostileGuest.ready()
    const served = serve(guest, { head: { method } })
    guest.turn()
    close(guest)
    expect(served.back).toEqual([[{ code: "APP_CRASHED", detail: "the cell is replaced" }]])
    expect(served.exchange.endings).toEqual([])
  })

  it.each<[string, MemoryExchangeOptions]>([
    ["a POST that was delivered", { head: { method: "POST" } }],
    ["a PUT with a body", { head: { method: "PUT" }, body: new Uint8Array(5) }],
  ])("fails %s", (_what, options) => {
    const guest = HostileGuest.ready()
    const served = serve(guest, options)
    guest.turn()
    close(guest)
    expect(served.back).toEqual([])
    expect(served.exchange.endings).toMatchObject([{ kind: "fail", code: "APP_CRASHED" }])
  })

  it("cuts what was responded to", () => {
    const guest = HostileGuest.ready()
    const served = serve(guest)
    guest.turn()
    guest.send(make.response(1))
    close(guest)
    expect([served.back, served.exchange.endings.length]).toEqual([[], 1])
  })

  it("gives back at once what comes after it", () => {
    const guest = HostileGuest.ready()
    close(guest)
    expect(serve(guest, { head: { method: "POST" }, body: new Uint8Array(5) }).back).toEqual([[]])
    expect(guest.host.connection.closed).toBe(true)
  })
})

it("a connection that is closed for a fault of its app fails what it has", () => {
  const guest = HostileGuest.ready()
  const served = serve(guest)
  close(guest, false)
  expect([served.back, served.exchange.endings.length]).toEqual([[], 1])
})

it("a violation gives nothing back", () => {
  const guest = HostileGuest.ready()
  const served = serve(guest)
  guest.send(make.hello())
  close(guest)
  expect(served.back).toEqual([])
  expect(served.exchange.endings).toMatchObject([{ kind: "fail", code: "APP_PROTOCOL_ERROR" }])
})
