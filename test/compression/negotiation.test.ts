import { describe, expect, it } from "vitest"
import { Negotiation } from "../../host/compression/negotiation.ts"

const ALL = new Negotiation(["zstd", "br", "gzip"])

describe("the coding of an answer", () => {
  it.each([
    // Browsers, and what scripts send.
    ["gzip, deflate, br, zstd", "zstd"],
    ["gzip, deflate, br", "br"],
    ["gzip, deflate", "gzip"],
    ["deflate, gzip, br, zstd", "zstd"],
    ["gzip;q=1.0,deflate;q=0.6,identity;q=0.3", "gzip"],
    // None.
    ["", null],
    ["deflate", null],
    ["identity", null],
    ["compress, x-unknown", null],
    // Weights.
    ["gzip;q=1, br;q=0.5, zstd;q=0.5", "gzip"],
    ["br;q=0.9, gzip;q=0.8", "br"],
    ["zstd;q=0, br;q=0, gzip", "gzip"],
    ["gzip;q=0", null],
    ["gzip;q=0.000", null],
    ["gzip;q=0.001", "gzip"],
    ["identity;q=1, gzip;q=0.5", null],
    ["identity;q=0.5, gzip;q=1", "gzip"],
    ["gzip;q=0.5, identity;q=0.5", "gzip"],
    ["identity;q=0", null],
    ["identity;q=0, gzip", "gzip"],
    // All of them.
    ["*", "zstd"],
    ["*;q=0", null],
    ["*;q=0.1, gzip", "gzip"],
    ["zstd;q=0, *", "br"],
    ["gzip, *;q=0", "gzip"],
    // Spellings.
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["  gzip ;  q=0.4 ,br;q=0.3", "gzip"],
    ["gzip;q=no", null],
    [",,gzip,,", "gzip"],
    [";;;,=,\t", null],
  ])("for %j is %j", (accept, coding) => {
    expect(ALL.of(accept).coding).toBe(coding)
  })

  it("is the first of the manifest's, of those that a client wants equally", () => {
    expect(new Negotiation(["gzip", "zstd"]).of("zstd, br, gzip").coding).toBe("gzip")
    expect(new Negotiation(["br"]).of("zstd, gzip").coding).toBe(null)
  })

  it("knows who does not want an answer as it is", () => {
    const refusing = ["identity;q=0, gzip", "*;q=0, gzip", "gzip, identity;q=0"]
    expect(refusing.map((accept) => ALL.of(accept).refusesIdentity)).toEqual([true, true, true])
    expect(["gzip", "*", "", "gzip;q=0"].map((accept) => ALL.of(accept).refusesIdentity)).not.toContain(true)
  })

  it("of ten thousand different values is remembered for a few", () => {
    const negotiation = new Negotiation(["gzip"])
    for (let i = 0; i < 10_000; i++) expect(negotiation.of(`gzip, x-${i}`).coding).toBe("gzip")
  })
})
