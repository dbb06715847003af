/** The header lines of answers, whatever they are. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { AnswerLines, compressedTrailers } from "../../host/compression/answer-lines.ts"

const name = fc.stringMatching(/^[A-Za-z-]{1,20}$/)
const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
const lines = fc
  .array(fc.tuple(name, value), { maxLength: 10 })
  .map((all) => all.map(([key, text]) => `${key}: ${text}\r\n`))
const special =
  /^(content-length|vary|etag|content-encoding|accept-ranges|content-md5|(content-|repr-)?digest):/i

describe("the lines of an answer", () => {
  it("keep their order and spelling, but for those that change", () => {
    fc.assert(
      fc.property(lines, (all) => {
        const kept = all.filter((line) => !special.test(line)).join("")
        const read = AnswerLines.read(Buffer.from(kept, "latin1")) as AnswerLines
        expect(read.compressed("br")).toBe(`${kept}Vary: Accept-Encoding\r\nContent-Encoding: br\r\n`)
        expect(read.varied()).toBe(`${kept}Vary: Accept-Encoding\r\n`)
        expect(Buffer.from(compressedTrailers(Buffer.from(kept, "latin1"))).toString("latin1")).toBe(kept)
      }),
    )
  })

  it("that are none are not judged here", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const read = AnswerLines.read(bytes)
        if (read !== null) expect(read.contentLength).toBeGreaterThanOrEqual(-1)
      }),
    )
    const odd = [
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 0x5\r\n",
      "no colon\r\n",
      "X: y",
    ]
    for (const text of odd) expect(AnswerLines.read(Buffer.from(text))).toBeNull()
  })

  it("say when nobody may change the bytes", () => {
    const may = (text: string): boolean =>
      (AnswerLines.read(Buffer.from(`Content-Type: text/html\r\n${text}\r\n`)) as AnswerLines).isCompressible
    expect(may("Cache-Control: max-age=1")).toBe(true)
    expect(may("Cache-Control: max-age=1,no-transform")).toBe(false)
    expect(may("CACHE-CONTROL: No-Transform, max-age=1")).toBe(false)
    expect(may("Cache-Control: x-no-transform-not")).toBe(true)
    expect(may("Content-Encoding: gzip")).toBe(false)
    expect(may("Content-Encoding: Identity")).toBe(true)
  })

  it("keep an ETag that is weak or none", () => {
    const etag = (text: string): string =>
      /ETag: (.*)\r\n/i.exec(
        (AnswerLines.read(Buffer.from(`ETag: ${text}\r\n`)) as AnswerLines).compressed("gzip"),
      )?.[1] ?? ""
    expect(etag('"a"')).toBe('W/"a"')
    expect(etag('W/"a"')).toBe('W/"a"')
    expect(etag("unquoted")).toBe("unquoted")
  })
})
