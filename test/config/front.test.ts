import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { load, report } from "./tree.ts"

const files = { "index.js": "", "public/x.txt": "", "private/": "", "robots.txt": "" }

describe("static, sendfile, compression, websocket and sticky of a manifest", () => {
  test("become folders with absolute paths and the defaults of each", async () => {
    const { apps, problems, root } = await load({
      "polyhost.app.json": {
        static: [
          { path: "/assets/*", dir: "public", cache: "immutable" },
          { path: "/a%20b/*", dir: "public", cache: "1h", missing: "app", index: false },
          { path: "/robots.txt", file: "robots.txt", cache: "off" },
          { path: "/", dir: "public", fallback: "index.html", precompressed: false },
        ],
        sendfile: [{ path: "/private/*", dir: "private" }],
        compression: true,
        websocket: { message: "1KB", ping: "off", idle: "1m", compression: true },
        sticky: "cookie",
      },
      ...files,
    })
    expect(problems).toEqual([])
    const common = { prefix: true, file: join(root, "public"), index: "index.html", fallback: null }
    expect(apps[0]).toMatchObject({
      static: [
        {
          ...common,
          path: "/assets",
          missing: "404",
          cacheControl: "public, max-age=31536000, immutable",
          precompressed: true,
        },
        { ...common, path: "/a b", index: null, missing: "app", cacheControl: "public, max-age=3600" },
        { path: "/robots.txt", prefix: false, file: join(root, "robots.txt"), index: null, cacheControl: "" },
        {
          ...common,
          path: "",
          fallback: join(root, "public/index.html"),
          missing: "app",
          cacheControl: "public, max-age=0",
          precompressed: false,
        },
      ],
      sendfile: [{ path: "/private", dir: join(root, "private") }],
      compression: { encodings: ["zstd", "br", "gzip"], minBytes: 1024 },
      webSocket: {
        messageBytes: 1024,
        pingMs: Number.POSITIVE_INFINITY,
        idleMs: 60_000,
        compression: true,
      },
      sticky: "cookie",
    })
  })

  test("of the host config's defaults hold where the app says nothing", async () => {
    const { apps } = await load({
      "polyhost.json": {
        apps: ["a", "b"],
        defaults: {
          compression: { encodings: ["gzip"], min: "10B" },
          websocket: { ping: "5s" },
          sticky: "off",
        },
      },
      "a/index.js": "",
      "b/index.js": "",
      "b/polyhost.app.json": { compression: false, websocket: { message: "1MB" }, sticky: "address" },
    })
    expect(apps[0]).toMatchObject({
      compression: { encodings: ["gzip"], minBytes: 10 },
      webSocket: { pingMs: 5000, messageBytes: 16 * 1024 * 1024 },
      sticky: "off",
    })
    expect(apps[1]).toMatchObject({
      compression: null,
      webSocket: { pingMs: 5000, messageBytes: 1024 * 1024 },
      sticky: "address",
    })
  })

  test("a folder that is not there yet is a warning", async () => {
    const config = await load({
      "polyhost.app.json": {
        static: [{ path: "/*", dir: "dist" }],
        sendfile: [{ path: "/p/*", dir: "private" }],
      },
      "index.js": "",
    })
    expect(config.apps).toHaveLength(1)
    expect(report(config)).toEqual([
      'polyhost.app.json:1:31: warning: "static[0].dir": there is no folder ROOT/dist yet',
      'polyhost.app.json:1:73: warning: "sendfile[0].dir": there is no folder ROOT/private yet',
    ])
  })

  test.each([
    [
      { static: [{ path: "/assets", dir: "public" }] },
      'needs "file", and no "dir"; for a folder write it with /*',
    ],
    [{ static: [{ path: "/assets/*", file: "robots.txt" }] }, 'needs "dir"'],
    [{ static: [{ path: "assets/*", dir: "public" }] }, 'a path that starts with "/"'],
    [{ static: [{ path: "/*", dir: "public", fallback: "../x" }] }, '"fallback" is a file below "dir"'],
    [
      { static: [{ path: "/*", dir: "public", cache: "soon" }] },
      'a duration such as "1h", "immutable" or "off"',
    ],
    [{ sendfile: [{ path: "/private", dir: "private" }] }, 'a path that ends with "/*"'],
    [{ compression: { encodings: ["deflate"] } }, "zstd, br or gzip"],
    [{ websocket: { message: "big" } }, "a size such as"],
    [{ sticky: "yes" }, "auto, cookie, address or off"],
  ])("%j is refused: %s", async (manifest, message) => {
    const config = await load({ "polyhost.app.json": manifest, ...files })
    expect(config.apps).toEqual([])
    expect(report(config).join("\n")).toContain(message)
  })
})

describe("tls and http2 of the host config", () => {
  const site = { "a/index.js": "", "site.pem": "", "site.key": "", "ca.pem": "" }

  test("become settings with absolute paths", async () => {
    const { tls, http, root, problems, listen } = await load({
      "polyhost.json": {
        apps: ["a"],
        listen: ["8080", "https://:8443"],
        tls: {
          certificates: [{ cert: "site.pem", key: "site.key" }],
          acme: { hosts: ["Shop.example.com", "shop.example.com"], agreeToTerms: true, ca: "ca.pem" },
          clientAuth: { ca: "ca.pem", required: false },
          hsts: { maxAge: "365d", includeSubDomains: true, preload: true },
          redirect: true,
          minVersion: "TLSv1.3",
        },
        http2: { cleartext: true, streams: 10 },
      },
      ...site,
    })
    expect(problems).toEqual([])
    expect(listen).toEqual(["8080", "https://:8443"])
    expect(tls).toEqual({
      certificates: [{ certFile: join(root, "site.pem"), keyFile: join(root, "site.key") }],
      acme: {
        hosts: ["shop.example.com"],
        email: null,
        directory: null,
        challenges: ["tls-alpn-01", "http-01"],
        caFile: join(root, "ca.pem"),
        externalAccount: null,
      },
      minVersion: "TLSv1.3",
      clientAuth: { caFile: join(root, "ca.pem"), required: false },
      hsts: "max-age=31536000; includeSubDomains; preload",
      redirect: true,
    })
    expect(http.http2).toEqual({ enabled: true, cleartext: true, streams: 10 })
  })

  test("have defaults that are safe, and off where nothing is said", async () => {
    const none = await load({ "polyhost.json": { apps: ["a"], http2: false }, ...site })
    expect(none.tls).toBeNull()
    expect(none.http.http2.enabled).toBe(false)
    const some = await load({
      "polyhost.json": {
        apps: ["a"],
        listen: ["https://:1"],
        tls: { certificates: [{ cert: "site.pem", key: "site.key" }], hsts: "off" },
      },
      ...site,
    })
    expect(some.tls).toMatchObject({
      minVersion: "TLSv1.2",
      hsts: "",
      redirect: false,
      clientAuth: null,
      acme: null,
    })
  })

  test("that are wrong are told once", async () => {
    const config = await load({
      "polyhost.json": { apps: ["a"], listen: ["https://:8443"], tls: { acme: { hosts: ["example.com"] } } },
      ...site,
    })
    expect(report(config)).toHaveLength(1)
  })

  test.each([
    [{ listen: ["https://:8443"] }, '"https://:8443" needs a certificate: "tls": {"certificates"'],
    [
      { tls: { certificates: [{ cert: "site.pem", key: "none.key" }] } },
      '"tls.certificates[0].key": there is no file ROOT/none.key',
    ],
    [{ tls: { acme: { hosts: ["*.example.com"], agreeToTerms: true } } }, "a wildcard needs DNS"],
    [{ tls: { acme: { hosts: ["example.com"] } } }, "you agree to the terms"],
    [
      { tls: { acme: { hosts: ["example.com"], agreeToTerms: true, directory: "http://x" } } },
      "expected an https URL",
    ],
    [{ tls: { hsts: "forever" } }, '"tls.hsts" is "forever"; expected a duration such as'],
    [{ http2: { streams: 0 } }, "a whole number from 1 to 10000"],
    [{ listen: ["ftp://:1"] }, "not with ftp://"],
  ])("%j is said to be wrong: %s", async (keys, message) => {
    const config = await load({ "polyhost.json": { apps: ["a"], ...keys }, ...site })
    expect(config.fatal).toBe(true)
    expect(report(config).join("\n")).toContain(message)
  })
})
