/** The short way of URL against Node's own URL: whatever is plain must be the same in every part. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { bareContext } from "./bare-context.ts"

const PARTS = "href origin protocol username password host hostname port pathname search hash".split(" ")
const piece = fc.oneof(
  fc.constantFrom(
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E",
    "?",
    "#",
    ":",
    "@",
    "'",
    '"',
    " ",
    "\\",
    "|",
    "^",
    "é",
    "[",
    "%41",
    "0x1",
    "1",
    "a",
    "B",
  ),
  fc.string({ maxLength: 3 }),
)
const host = fc.oneof(
  fc.constantFrom(
    "a.test",
    "localhost",
    "127.0.0.1",
    "127.1",
    "1.2.3.4.5",
    "a.1",
    "256.0.0.1",
    "010.0.0.1",
    "a_b",
    "[::1]",
    "A.test",
    "a..b",
    "a.",
    "-",
    "xn--a",
  ),
  piece,
)
const port = fc.constantFrom("", ":80", ":443", ":8080", ":0", ":65535", ":65536", ":080", ":")
const tail = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""))
const url = fc
  .tuple(
    fc.constantFrom("http://", "https://", "http:/", "HTTP://", "ftp://", "https:"),
    host,
    port,
    fc.constantFrom("/", "", "?", "#"),
    tail,
  )
  .map((parts) => parts.join(""))

it("URLs are what Node makes of them, with and without a base", async () => {
  const context = await bareContext()
  const cases = fc.sample(
    fc.tuple(
      url,
      fc.option(url),
      fc.oneof(
        tail,
        tail.map((text) => `/${text}`),
      ),
    ),
    3000,
  )
  const inputs = cases.flatMap(([absolute, base, relative]) => [[absolute], [relative, base ?? absolute]])
  const seen = await context.run<(string[] | null)[]>(`
    const parts = (input, base) => {
      const url = URL.parse(input, base)
      return url && ${JSON.stringify(PARTS)}.map((part) => url[part])
    }
    return ${JSON.stringify(inputs)}.map(([input, base]) => parts(input, base))`)
  const wrong = inputs.filter(([input, base], at) => {
    const right = URL.parse(input!, base) as unknown as Record<string, string> | null
    return JSON.stringify(right && PARTS.map((part) => right[part])) !== JSON.stringify(seen[at])
  })
  expect(wrong).toEqual([])
})

it("a URL that was plain changes as any other", async () => {
  const context = await bareContext()
  expect(
    await context.run(`
      const url = new URL("http://a.test:8080/b/c?d=e#f")
      const before = url.searchParams
      before.append("g", "h i")
      url.port = "80"
      url.hash = ""
      url.pathname = "../x y"
      return [url.href, String(before), url.searchParams === before, JSON.stringify(url)]`),
  ).toEqual(["http://a.test/x%20y?d=e&g=h+i", "d=e&g=h+i", true, '"http://a.test/x%20y?d=e&g=h+i"'])
})
