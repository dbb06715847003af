import { describe, expect, it } from "vitest"
import { core } from "./core-fixture.ts"

const { web } = core()
const { structuredClone } = web

describe("structuredClone inside an isolate", () => {
  it("keeps identity, circles and what a value is", () => {
    const shared = { n: 1n }
    const value = {
      shared,
      again: shared,
      map: new Map<unknown, unknown>([[shared, new Set([shared])]]),
      date: new Date(5),
      regexp: /x/giu,
      error: new RangeError("r", { cause: "c" }),
      views: [new Float64Array([1.5]), new DataView(new ArrayBuffer(4), 1, 2)],
      boxed: [Object(1), Object("s"), Object(true), Object(1n)],
      sparse: Object.assign([], { 3: "x" }),
      self: null as unknown,
    }
    value.self = value
    const copy = structuredClone(value)
    expect(copy).toEqual(value)
    expect(copy.self).toBe(copy)
    expect(copy.shared).toBe(copy.again)
    expect(copy.shared).not.toBe(shared)
    expect([...copy.map.keys()][0]).toBe(copy.shared)
    expect(copy.error).toBeInstanceOf(RangeError)
    expect(copy.error.cause).toBe("c")
    expect(0 in copy.sparse).toBe(false)
  })

  it("moves buffers with their views, and leaves them where they are when it fails", () => {
    const buffer = new ArrayBuffer(8)
    const view = new Uint8Array(buffer, 2, 4)
    expect(() => structuredClone({ view, f: () => 1 }, { transfer: [buffer] })).toThrow("could not be cloned")
    expect(buffer.byteLength).toBe(8)
    const copy = structuredClone({ view, buffer }, { transfer: [buffer] })
    expect(buffer.byteLength).toBe(0)
    expect(copy.view.buffer).toBe(copy.buffer)
    expect([copy.view.byteOffset, copy.view.length]).toEqual([2, 4])
  })

  it.each([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a promise", Promise.resolve()],
    ["a weak map", new WeakMap()],
    ["an event", new web.Event("e")],
    ["a signal", web.AbortSignal.abort()],
    ["a generator", (function* () {})()],
  ])("refuses %s", (_, value) => {
    expect(() => structuredClone({ value })).toThrow(
      expect.objectContaining({ name: "DataCloneError", code: 25 }),
    )
  })

  it("copies DOMExceptions and keys, whose material scripts still cannot see", async () => {
    const key = await web.crypto.subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"])
    const copies = structuredClone({ key, error: new web.DOMException("m", "AbortError") })
    expect([copies.error.name, copies.error.code, copies.error instanceof web.DOMException]).toEqual([
      "AbortError",
      20,
      true,
    ])
    expect([copies.key.type, copies.key.extractable, copies.key.usages]).toEqual([
      "secret",
      false,
      ["encrypt"],
    ])
    expect(Reflect.ownKeys(copies.key)).toEqual([])
    await expect(web.crypto.subtle.exportKey("raw", copies.key)).rejects.toMatchObject({
      name: "InvalidAccessError",
    })
  })

  it("runs getters once and keeps no trace of setters on the prototype", () => {
    let reads = 0
    const copy = structuredClone({
      get once() {
        return ++reads
      },
    })
    expect(copy).toEqual({ once: 1 })
    expect(reads).toBe(1)
  })
})
