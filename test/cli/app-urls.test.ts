import { expect, test } from "vitest"
import { appUrls } from "../../host/cli/app-urls.ts"

const everywhere = [{ host: "*", path: "/shop", prefix: true }]

test.each([
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080/shop/"],
  ["http://0.0.0.0:80", "http://localhost/shop/"],
  ["https://127.0.0.1:8443", "https://127.0.0.1:8443/shop/"],
  ["https://[::]:443", "https://localhost/shop/"],
  ["unix:/run/x.sock", "unix:/run/x.sock /shop/"],
])("an app behind %s is opened at %s", (listener, url) => {
  expect(appUrls(everywhere, [listener])).toEqual([url])
})

test("the first address that a browser can open counts, and paths come before names", () => {
  const routes = [{ host: "shop.example.com", path: "/", prefix: true }, ...everywhere]
  expect(appUrls(routes, ["unix:/x", "https://[::1]:8443", "http://127.0.0.1:8080"])).toEqual([
    "https://[::1]:8443/shop/",
    "https://shop.example.com:8443/",
  ])
})
