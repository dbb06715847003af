import { describe, expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { startHost } from "../support/harness.ts"
import { RawConnection } from "../support/http-client.ts"

/** An app that takes four requests at a time and waits for their bodies. */
const HEAD = "POST /behaviours/text HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"

describe("clients that send their bodies slowly", () => {
  test("never take more than half of the places, and are all answered when their bodies come", async () => {
    const host = await startHost({ behaviours: { concurrency: 4, queue: { max: 1 } } })
    const slow = Array.from({ length: 12 }, () => new RawConnection(host.url).write(`${HEAD}ab`))
    const inFlight = (): number => host.host.status().apps[0]?.instances[0]?.inFlight ?? 0
    await eventually(5000, "two uploads are in", () => inFlight() === 2)
    for (let i = 0; i < 5; i++) expect((await host.ask("/behaviours/hello")).text).toBe("hello")
    // A body that comes whole needs no place of theirs.
    expect((await host.ask("/behaviours/text", { method: "POST", body: "at once" })).text).toBe("at once")
    expect(inFlight()).toBe(2)
    // The last of them is ready first.
    for (const connection of slow.reverse()) {
      connection.write("cdef")
      expect(await connection.until(/\r\n\r\nabcdef/)).toMatch(/^HTTP\/1.1 200 /)
      connection.destroy()
    }
  })

  test("free their place when they leave", async () => {
    const host = await startHost({ behaviours: { concurrency: 2, queue: { max: 1 } } })
    const slow = Array.from({ length: 3 }, () => new RawConnection(host.url).write(HEAD))
    const inFlight = (): number => host.host.status().apps[0]?.instances[0]?.inFlight ?? 0
    await eventually(5000, "one upload is in", () => inFlight() === 1)
    for (const connection of slow) connection.destroy()
    await eventually(5000, "none is", () => inFlight() === 0)
    expect((await host.ask("/behaviours/text", { method: "POST", body: "whole" })).text).toBe("whole")
  })
})
