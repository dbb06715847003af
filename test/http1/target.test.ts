import { expect, test } from "vitest"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { HeadResult, RequestHeadReader } from "../../host/listener/http1/request-head.ts"

test.each([
  ["GET", "http://a.example", "/"],
  ["GET", "http://a.example?q", "/?q"],
  ["GET", "HTTPS://a.example:8080//x?y", "//x?y"],
  ["OPTIONS", "http://a.example", "*"],
  ["OPTIONS", "http://a.example/", "/"],
  ["OPTIONS", "*", "*"],
])("the target of %s %s is %s", (method, target, seen) => {
  const reader = new RequestHeadReader(DEFAULT_HTTP_SETTINGS, false)
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
  reader.start(0)
  expect(reader.read(bytes, bytes.length)).toBe(HeadResult.whole)
  expect(reader.target).toBe(seen)
})
