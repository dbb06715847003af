import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import { describe, expect, it } from "vitest"
import { createOps } from "../../runtimes/isolate/ops/index.ts"
import { core } from "./core-fixture.ts"

const { crypto } = core().web
const { subtle } = crypto
const data = new TextEncoder().encode("some data")
const hex = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString("hex")

describe("crypto inside an isolate", () => {
  it("digests, signs and derives as Node does", async () => {
    expect(hex(await subtle.digest("sha-256", data))).toBe(createHash("sha256").update(data).digest("hex"))
    const key = await subtle.importKey("raw", data, { name: "HMAC", hash: "SHA-512" }, false, [
      "sign",
      "verify",
    ])
    const signature = await subtle.sign("HMAC", key, data)
    expect(hex(signature)).toBe(createHmac("sha512", data).update(data).digest("hex"))
    expect(await subtle.verify("HMAC", key, signature, data)).toBe(true)
    const base = await subtle.importKey("raw", data, "PBKDF2", false, ["deriveBits"])
    const bits = await subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-1", salt: data, iterations: 10 },
      base,
      256,
    )
    expect(hex(bits)).toBe(pbkdf2Sync(data, data, 10, 32, "sha1").toString("hex"))
  })

  it.each([
    [
      { name: "ECDSA", namedCurve: "P-256" },
      { name: "ECDSA", hash: "SHA-256" },
    ],
    [{ name: "Ed25519" }, { name: "Ed25519" }],
    [
      { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
      { name: "RSA-PSS", saltLength: 32 },
    ],
  ])("generates a pair for %j, exports it as JWK and verifies with the import", async (made, used) => {
    const { privateKey, publicKey } = await subtle.generateKey(made, false, ["sign", "verify"])
    expect([privateKey.extractable, publicKey.extractable]).toEqual([false, true])
    const signature = await subtle.sign(used, privateKey, data)
    const jwk = await subtle.exportKey("jwk", publicKey)
    expect([jwk.ext, jwk.key_ops]).toEqual([true, ["verify"]])
    const imported = await subtle.importKey("jwk", jwk, made, true, ["verify"])
    expect(await subtle.verify(used, imported, signature, data)).toBe(true)
    await expect(subtle.exportKey("pkcs8", privateKey)).rejects.toMatchObject({ name: "InvalidAccessError" })
  })

  it("agrees on a key, wraps with it and unwraps", async () => {
    const [ours, theirs] = await Promise.all(
      [0, 1].map(() => subtle.generateKey("X25519", true, ["deriveKey"])),
    )
    const derive = (mine: unknown, other: unknown) =>
      subtle.deriveKey({ name: "X25519", public: other }, mine, { name: "AES-KW", length: 256 }, false, [
        "wrapKey",
        "unwrapKey",
      ])
    const secret = await subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"])
    const wrapped = await subtle.wrapKey(
      "raw",
      secret,
      await derive(ours.privateKey, theirs.publicKey),
      "AES-KW",
    )
    const wrapping = await derive(theirs.privateKey, ours.publicKey)
    const back = await subtle.unwrapKey("raw", wrapped, wrapping, "AES-KW", "AES-GCM", true, ["decrypt"])
    const cipher = { name: "AES-GCM", iv: new Uint8Array(12) }
    const encrypted = await subtle.encrypt(cipher, secret, data)
    expect(hex(await subtle.decrypt(cipher, back, encrypted))).toBe(hex(data.buffer))
  })

  it.each([
    ["NotSupportedError", () => subtle.digest("MD5", data)],
    ["TypeError", () => subtle.digest("SHA-1", "text")],
    ["TypeError", () => subtle.importKey("der", data, "AES-GCM", false, ["encrypt"])],
    ["SyntaxError", () => subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["sign"])],
    ["DataError", () => subtle.importKey("raw", new Uint8Array(5), "AES-GCM", false, ["encrypt"])],
    ["OperationError", () => subtle.generateKey({ name: "AES-CBC", length: 77 }, false, ["encrypt"])],
  ])("says %s", async (name, call) => {
    await expect(call()).rejects.toMatchObject({ name })
  })

  it("keeps what a script does to its view of a key from the key", async () => {
    const key = await subtle.importKey("raw", new Uint8Array(16), "AES-CBC", false, ["encrypt"])
    key.algorithm.name = "AES-GCM"
    key.usages.push("decrypt")
    const iv = new Uint8Array(16)
    expect((await subtle.encrypt({ name: "AES-CBC", iv }, key, data)).byteLength).toBe(16)
    await expect(subtle.decrypt({ name: "AES-CBC", iv }, key, data)).rejects.toMatchObject({
      name: "InvalidAccessError",
    })
  })

  it("bounds what one isolate may ask of the cell's threads", async () => {
    const base = await subtle.importKey("raw", data, "PBKDF2", false, ["deriveBits"])
    const pbkdf2 = { name: "PBKDF2", hash: "SHA-256", salt: data, iterations: 50_000_000 }
    await expect(subtle.deriveBits(pbkdf2, base, 256)).rejects.toMatchObject({ name: "OperationError" })
    const rsa = {
      name: "RSA-OAEP",
      modulusLength: 16_384,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-1",
    }
    await expect(subtle.generateKey(rsa, true, ["encrypt"])).rejects.toMatchObject({ name: "OperationError" })
    await expect(subtle.digest("SHA-1", new Uint8Array(17 << 20))).rejects.toMatchObject({
      name: "OperationError",
    })
  })

  it("lets many operations wait for their turn", async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => subtle.digest("SHA-1", new Uint8Array(i))),
    )
    expect(all.map((one) => one.byteLength)).toEqual(all.map(() => 20))
  })

  it("gives random values and identifiers", () => {
    const values = crypto.getRandomValues(new Uint8Array(32))
    expect(values.some((byte: number) => byte !== 0)).toBe(true)
    expect(crypto.randomUUID()).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(() => crypto.getRandomValues(new Uint8Array(65_537))).toThrow(
      expect.objectContaining({ code: 22 }),
    )
    expect(() => crypto.getRandomValues(new Float32Array(1))).toThrow(expect.objectContaining({ code: 17 }))
  })
})

describe("the cell's side of crypto", () => {
  const ops = createOps({ wake: () => undefined, print: () => undefined })

  it.each([
    ["toString", {}],
    ["digest", null],
    ["digest", {}],
    ["sign", { algorithm: { name: "HMAC" }, key: 5 }],
    ["importKey", { algorithm: { name: "AES-GCM" }, format: "raw", data: new ArrayBuffer(16), usages: 7 }],
    [{}, undefined],
  ])("answers %j with %j by an error, never by a rejection", async (method, request) => {
    expect(await ops.subtle(method, request)).toMatchObject({ ok: false })
  })

  it("refuses more operations at once than an honest isolate begins", async () => {
    const request = { algorithm: { name: "SHA-1" }, data: new ArrayBuffer(1) }
    const answers = await Promise.all(Array.from({ length: 20 }, () => ops.subtle("digest", request)))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(8)
  })

  it("bounds host names and random bytes", () => {
    expect(ops.domainToASCII("a".repeat(100_000))).toBe("")
    expect(() => ops.random(1e9)).toThrow(RangeError)
    expect(ops.random(7).byteLength).toBe(7)
  })
})
