import { afterEach, expect, test } from "vitest"
import { within } from "../support/deadline.ts"
import { callingFrom, closeAll, reasonOf, serve } from "./calling.ts"

afterEach(closeAll)

test("an answer arrives with its status, headers, URL and body", async () => {
  const origin = await serve((_request, response) => {
    response.writeHead(201, "Made", [
      ["X-One", "1"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ].flat())
    response.end("hello")
  })
  const { fetch } = callingFrom([origin])

  const response = await fetch(`${origin}/path?query#fragment`)

  expect([response.status, response.statusText, response.ok]).toEqual([201, "Made", true])
  expect(response.url).toBe(`${origin}/path?query`)
  expect([response.redirected, response.type]).toEqual([false, "basic"])
  expect(response.headers.get("x-one")).toBe("1")
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"])
  expect(await response.text()).toBe("hello")
})
