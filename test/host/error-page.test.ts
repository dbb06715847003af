import { performance } from "node:perf_hooks"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { namesJson, prefersHtml } from "../../host/listener/accept.ts"
import { type ErrorContext, errorAnswer } from "../../host/listener/error-page.ts"
import { CLIENT_ERRORS, type ClientErrorCode } from "../../protocol/errors.ts"
import type { ErrorPage } from "../../runtimes/app-spec.ts"

const CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
const AXIOS = "application/json, text/plain, */*"

describe("what a client wants", () => {
  test.each([
    [CHROME, true, false],
    [AXIOS, false, true],
    ["", false, false],
    ["*/*", false, false],
    ["text/*", true, false],
    ["text/plain", false, false],
    ["text/html", true, false],
    ["TEXT/HTML", true, false],
    ["application/xhtml+xml", true, false],
    ["text/html;level=1", true, false],
    ["text/html;q=0", false, false],
    ["text/html;q=0, application/json", false, true],
    ["text/html;q=0.000", false, false],
    ["text/html;q=0.001", true, false],
    ["text/html; Q=0.5 , application/json ;q=0.6", false, false],
    ["text/html;q=0.6,application/json;q=0.5", true, false],
    ["text/html,application/json", true, false],
    ["application/json,text/html", true, false],
    ["application/json,text/html;q=0.9", false, false],
    ["application/problem+json,text/html;q=0.9", false, false],
    ["text/html;q=0.5,*/*;q=0.8", false, false],
    ["text/html;q=0.5,*/*;q=0.8,application/*;q=0.1", true, false],
    ["text/html;q=0.5,application/*;q=0.8", false, false],
    ["text/html;q=0.5,*/*,application/json;q=0.1,application/problem+json;q=0", true, false],
    ["application/json;q=0", false, false],
    ["application/*", false, false],
    ["text/htmlx", false, false],
    ["xtext/html", false, false],
    ["text/html;q=2", false, false],
    ["text/html;q=high", false, false],
    ['application/json;x=",text/html,"', false, true],
    ['application/json;x="\\",text/html', false, true],
    [",,;;,text/html,,", true, false],
  ])("%j: a page %s, a program %s", (accept, html, json) => {
    expect([prefersHtml(accept), namesJson(accept)]).toEqual([html, json])
  })

  test.each([
    ["commas", ","],
    ["semicolons", ";"],
    ["quotes", '"'],
    ["escapes", '"\\'],
    ["spaces", " "],
    ["weights", "text/html;q=0.1,"],
    ["parameters", ";q"],
    ["unfinished weights", "q=0.0"],
  ])("a long value of %s costs little", (_, piece) => {
    const accept = piece.repeat(2 ** 18 / piece.length)
    const started = performance.now()
    prefersHtml(accept)
    namesJson(accept)
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test("never both, whatever the value", () => {
    const word = fc.constantFrom(
      "text/html",
      "application/json",
      "*/*",
      ",",
      ";",
      "q=",
      "0.5",
      '"',
      "\\",
      " ",
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
        const accept = words.join("")
        expect(prefersHtml(accept) && namesJson(accept)).toBe(false)
      }),
    )
  })
})

describe("an error answer", () => {
  test("for a program is a problem as RFC 9457 has it", () => {
    const answer = errorAnswer("QUEUE_FULL", context({ accept: AXIOS, retryAfterSeconds: 7 }))
    expect(headersOf(answer)).toEqual({
      "content-type": "application/problem+json",
      "content-length": String(Buffer.byteLength(answer.body)),
      "cache-control": "no-store",
      vary: "Accept",
      "x-request-id": "r-1",
      "retry-after": "7",
    })
    expect(JSON.parse(answer.body)).toEqual({
      type: "urn:polyhost:error:QUEUE_FULL",
      title: CLIENT_ERRORS.QUEUE_FULL.title,
      status: 503,
      code: "QUEUE_FULL",
      app: "shop",
      requestId: "r-1",
    })
  })

  test("for a browser is one page that loads nothing else", () => {
    const answer = errorAnswer("NO_ROUTE", context({ accept: CHROME, app: null }))
    expect(headersOf(answer)["content-type"]).toBe("text/html; charset=utf-8")
    expect(answer.body).toContain(`<h1>${CLIENT_ERRORS.NO_ROUTE.title}</h1>`)
    expect(answer.body).toContain("<dd>r-1</dd>")
    expect(answer.body).not.toContain("App</dt>")
    expect(answer.body).not.toMatch(/https?:|\bsrc=|\bhref=|<script|url\(|@import/)
  })

  test.each(
    Object.keys(CLIENT_ERRORS) as ClientErrorCode[],
  )("of code %s has its length and status", (code) => {
    for (const accept of ["", CHROME]) {
      const answer = errorAnswer(code, context({ accept }))
      expect(answer.status).toBe(CLIENT_ERRORS[code].status)
      expect(headersOf(answer)["content-length"]).toBe(String(Buffer.byteLength(answer.body)))
    }
  })

  test("says which methods there are, with 405", () => {
    expect(headersOf(errorAnswer("METHOD_NOT_ALLOWED", context({})))["allow"]).toContain("GET")
  })

  test("escapes what is not its own", () => {
    const { body } = errorAnswer("APP_ERROR", context({ accept: CHROME, app: "<b>&\"'", requestId: "<i>" }))
    expect(body).toContain("&#60;b&#62;&#38;&#34;&#39;")
    expect(body).not.toContain("<i>")
  })
})

describe("error pages", () => {
  const html = (body: string): ErrorPage => ({ type: "text/html; charset=utf-8", body })
  const text = (body: string): ErrorPage => ({ type: "text/plain; charset=utf-8", body })
  const json = (body: string): ErrorPage => ({ type: "application/json", body })

  test("the most specific one is used: code, status, class", () => {
    const pages = new Map([
      ["5xx", text("class")],
      ["504", text("status")],
      ["APP_WEDGED", text("code")],
    ])
    const body = (code: ClientErrorCode): string => errorAnswer(code, context({ pages })).body
    expect(body("APP_WEDGED")).toBe("code")
    expect(body("QUEUE_TIMEOUT")).toBe("status")
    expect(body("APP_CRASHED")).toBe("class")
    expect(JSON.parse(body("BODY_TOO_LARGE"))).toMatchObject({ status: 413 })
  })

  test("a page keeps status and headers of the error", () => {
    const answer = errorAnswer("APP_UNAVAILABLE", context({ pages: new Map([["503", html("wait – soon")]]) }))
    expect(answer.status).toBe(503)
    expect(headersOf(answer)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-length": String(Buffer.byteLength("wait – soon")),
      "retry-after": "1",
    })
  })

  test("a page of HTML is for all but those who name JSON and no HTML", () => {
    const pages = new Map([["5xx", html("<p>")]])
    const body = (accept: string): string => errorAnswer("APP_ERROR", context({ accept, pages })).body
    expect([body(""), body("*/*"), body(CHROME), body("application/json,text/html;q=0.5")]).toEqual(
      new Array(4).fill("<p>"),
    )
    expect(JSON.parse(body(AXIOS))).toMatchObject({ code: "APP_ERROR" })
  })

  test("a page that is not HTML is for all", () => {
    const pages = new Map([["5xx", json("{}")]])
    expect(errorAnswer("APP_ERROR", context({ accept: CHROME, pages })).body).toBe("{}")
    expect(errorAnswer("APP_ERROR", context({ accept: AXIOS, pages })).body).toBe("{}")
  })

  test("values are filled in, escaped for the kind of page, and nothing else is touched", () => {
    const template =
      "{{status}} {{code}} {{title}} {{requestId}} {{app}} {{app}} {{other}} {{ status }} {status} $& $1"
    const filled = (page: ErrorPage, app: string | null): string =>
      errorAnswer("APP_ERROR", context({ app, pages: new Map([["500", page]]) })).body
    const { title } = CLIENT_ERRORS.APP_ERROR
    const rest = "{{other}} {{ status }} {status} $& $1"
    expect(filled(text(template), '<"$&')).toBe(`500 APP_ERROR ${title} r-1 <"$& <"$& ${rest}`)
    expect(filled(html(template), '<"')).toBe(`500 APP_ERROR ${title} r-1 &#60;&#34; &#60;&#34; ${rest}`)
    expect(filled(text("[{{app}}]"), null)).toBe("[]")
    expect(JSON.parse(filled(json('{"app":"{{app}}","status":{{status}}}'), 'a"\\\n'))).toEqual({
      app: 'a"\\\n',
      status: 500,
    })
  })

  test("a value that looks like a placeholder is not filled in again", () => {
    const answer = errorAnswer(
      "APP_ERROR",
      context({ app: "{{code}}", pages: new Map([["500", text("{{app}}")]]) }),
    )
    expect(answer.body).toBe("{{code}}")
  })
})

function context(given: Partial<ErrorContext>): ErrorContext {
  return { app: "shop", requestId: "r-1", accept: "", retryAfterSeconds: null, ...given }
}

function headersOf({ headers }: { headers: readonly string[] }): Record<string, string> {
  const pairs = headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), headers[index + 1]!]] : [],
  )
  return Object.fromEntries(pairs)
}
