import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { parseDocument } from "../../host/config/document.ts"
import { formatProblem } from "../../host/config/problem.ts"
import { appManifestSchema, hostConfigSchema } from "../../host/config/schema.ts"
import { validate } from "../../host/config/validate.ts"

const DESIGN_HOST = `{ "$schema": "./node_modules/polyhost/schema/host.json",
  "listen": ["127.0.0.1:8080"],
  "apps": ["./apps/*", { "name": "inline", "dir": "./x", "runtime": "isolate" }],
  "defaults": { "timeouts": { "request": "30s" } } }`

const DESIGN_APP = `{ "name": "shop",                      // default: folder name; [a-z0-9-]{1,63}
  "runtime": "node@22",                // name, or name@range; or {"name","version","path","args"}
  "entry": "server.js",                // default: by convention of the runtime
  "interface": "auto",                 // auto | fetch | server | wsgi | asgi | rack
  "command": ["./bin/server"],         // runtime "command": any program that listens on $PORT or $POLYHOST_SERVER_SOCKET
  "routes": ["shop.example.com", "/shop/*"],  // host, host/path or /path; a trailing * is a prefix; *.host is a wildcard
  "stripPrefix": false,
  "instances": 1,                      // or {"min": 0, "max": 4}
  "concurrency": 100,                  // requests in flight in one instance
  "env": {}, "envFile": ".env",        // nothing of the host's own environment but PATH HOME LANG LC_* TZ TMPDIR
  "bindings": { "AUTH": "app:auth" },  // env.AUTH.fetch(request): another app, no network
  "limits": { "memory": "512MB", "memorySoft": "400MB", "files": 1024, "requestBody": "10MB" },
  "timeouts": { "start": "15s", "request": "60s", "stream": "5m", "wedge": "5s", "queue": "30s", "idle": "off", "drain": "15s", "kill": "5s" },
  "queue": { "max": 100 },
  "recycle": { "requests": "off", "age": "off" },
  "health": { "path": "/healthz", "interval": "10s" },
  "cell": "NAME",                      // thread and isolate: apps of one name share a cell
  "reload": { "touch": true, "watch": false },
  "static": [{ "path": "/assets/*", "dir": "public" }] }`

describe("documents", () => {
  test("a BOM, comments and trailing commas are allowed", () => {
    const document = parseDocument("/f", '\uFEFF// one\n{ /* two */ "a": [1, 2,], }\n')
    expect(document.problems).toEqual([])
    expect(document.value).toEqual({ a: [1, 2] })
  })

  test("positions count lines ended by LF, CRLF and CR, and columns from 1", () => {
    const document = parseDocument("/f", '{\r\n  "a": 1,\n  "b": {\r    "c": [0, 5] } }')
    expect(document.locate(["a"])).toEqual({ line: 2, column: 8 })
    expect(document.locate(["a"], "key")).toEqual({ line: 2, column: 3 })
    expect(document.locate(["b", "c", 1])).toEqual({ line: 4, column: 14 })
    expect(document.locate(["b", "nothing", "there"])).toEqual({ line: 3, column: 8 })
  })

  test.each([
    ['{ "a": 1', "1:9: not valid JSON: a closing brace is expected"],
    ['{ "a" 1 }', "1:7: not valid JSON: a colon is expected"],
    ['{\n "a": 1\n "b": 2 }', "3:2: not valid JSON: a comma is expected"],
    ["", "1:1: not valid JSON: a value is expected"],
    ["{ a: 1 }", "1:3: not valid JSON"],
    ['{ "a": 1, "a": 2 }', '1:11: the key "a" is given twice'],
    ['{ "__proto__": 1 }', '1:3: the key "__proto__" is not allowed'],
  ])("%j is reported at its place", (text, problem) => {
    const reported = parseDocument("/f", text).problems.map((one) => formatProblem(one, "/"))
    expect(reported.join("\n")).toContain(`f:${problem}`)
  })

  test.each([
    ["", "at its top"],
    ['{"env":', "after a key"],
    ['{"a": "b\\"c", "env":\n', "after a string with an escape"],
  ])("a document that would overflow the parser is refused: %j (%s)", (start) => {
    const problems = parseDocument("/f", start + "[".repeat(100_000)).problems
    expect(problems.map((one) => one.message)).toEqual([expect.stringContaining("nested deeper")])
  })

  test("the parser never throws, and every position lies in the text", () => {
    const piece = fc.constantFrom(
      ...[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "//",
        "/*",
        "*/",
        "\n",
        "\r\n",
        '"apps"',
        '"listen"',
        "null",
        "1e",
        "-",
      ],
      ...[
        "\\u12",
        '"\\',
        "\uFEFF",
        "\0",
        "\ud800",
        '{"apps":[',
        '"__proto__"',
        '"runtime":',
        '"node@22"',
        "true",
      ],
    )
    const text = fc.oneof(
      fc.array(piece).map((parts) => parts.join("")),
      fc.string({ unit: "binary" }),
      fc.json(),
    )
    fc.assert(
      fc.property(text, (source) => {
        const document = parseDocument("/f", source)
        const faults = [hostConfigSchema, appManifestSchema].flatMap((schema) => validate(schema, document))
        const lines = source.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)
        for (const { line, column } of [...document.problems, ...faults.map((fault) => fault.problem)]) {
          expect(line).toBeGreaterThan(0)
          expect(column).toBeGreaterThan(0)
          // A line end of two characters may be pointed into.
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 2)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe("schemas", () => {
  test("the documents of the design are accepted as they stand", () => {
    for (const [schema, text] of [
      [hostConfigSchema, DESIGN_HOST],
      [appManifestSchema, DESIGN_APP],
    ] as const) {
      const document = parseDocument("/f", text)
      expect([...document.problems, ...validate(schema, document)]).toEqual([])
    }
  })

  test.each([
    ['{ "runtme": "node" }', '1:3: unknown key "runtme". Did you mean "runtime"?'],
    ['{ "memory": "1GB" }', '1:3: unknown key "memory". Did you mean "limits.memory"?'],
    ['{ "timeouts": { "wegde": "1s" } }', '1:17: unknown key "wegde" in "timeouts". Did you mean "wedge"?'],
    [
      '{ "static": [{ "pth": "/", "path": "/", "dir": "x" }] }',
      '1:16: unknown key "pth" in "static[0]". Did you mean "path"?',
    ],
    [
      '{ "runtime": { "name": "node", "versoin": "22" } }',
      '1:32: unknown key "versoin" in "runtime". Did you mean "version"?',
    ],
    ['{ "runtime": { "version": "22" } }', '"runtime.name" is missing; expected one of node, bun'],
    ['{ "runtime": 22 }', '1:14: "runtime" is 22; expected a runtime such as "node@22"'],
    [
      '{ "interface": "wgsi" }',
      '1:16: "interface" is "wgsi"; expected one of auto, fetch, server, wsgi, asgi, rack. Did you mean "wsgi"?',
    ],
    ['{ "timeouts": { "start": 15 } }', '"timeouts.start" is 15; expected a duration such as "500ms"'],
    ['{ "timeouts": { "start": "0s" } }', "above zero"],
    ['{ "instances": 0 }', "expected a whole number from 1 to 1000"],
    ['{ "instances": "2" }', 'expected a whole number from 1 to 1000, or {"min": 0, "max": 4}'],
    ['{ "instances": { "min": 5, "max": 2 } }', '"min" is above "max"'],
    ['{ "name": "My App" }', '"name" is "My App"; expected 1 to 63 of a-z, 0-9 and -'],
    ['{ "env": { "A=B": 1 } }', '1:12: "env["A=B"]": the key is not valid'],
    ['{ "env": { "A": null } }', '"env.A" is null; expected a string, number or boolean'],
    ['{ "command": [] }', "expected at least the program"],
    ['{ "health": { "path": "healthz" } }', 'expected a path that starts with "/"'],
    ['{ "bindings": { "AUTH": "auth" } }', 'expected another app ("app:auth") or a key-value store'],
    ['{ "outbound": ["https://x.org/path"] }', 'an origin has no path, query or user: write "https://x.org"'],
    ['{ "outbound": ["everything"] }', "or one of public, private, loopback"],
    ['{ "policy": "perUser" }', '"policy" is "perUser"; expected perApp or perRequest'],
    ["[]", "1:1: the document is []; expected an object: the manifest of an app"],
  ])("%s is refused: %s", (text, message) => {
    const document = parseDocument("/f", text)
    const faults = validate(appManifestSchema, document).map((fault) => formatProblem(fault.problem, "/"))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(message)
  })

  test("every problem of a document is reported at once", () => {
    const document = parseDocument(
      "/f",
      '{ "naem": 1,\n "entry": 2,\n "routes": ["a:1", "/x*"],\n "limits": { "files": 1, "x": 1 } }',
    )
    const lines = validate(appManifestSchema, document).map((fault) => fault.problem.line)
    expect(lines.toSorted()).toEqual([1, 2, 3, 3, 4, 4])
  })

  test("every key of the published schemas is described", () => {
    const missing: string[] = []
    const walk = (schema: z.core.JSONSchema.BaseSchema, path: string): void => {
      for (const [key, child] of Object.entries(schema.properties ?? {})) {
        if (typeof child === "boolean") continue
        if (child.description === undefined) missing.push(`${path}.${key}`)
        walk(child, `${path}.${key}`)
      }
      for (const inner of [...(schema.anyOf ?? []), schema.items, schema.additionalProperties]) {
        if (typeof inner === "object" && !Array.isArray(inner))
          walk(inner as z.core.JSONSchema.BaseSchema, path)
      }
    }
    for (const schema of [hostConfigSchema, appManifestSchema])
      walk(z.toJSONSchema(schema, { io: "input" }), "")
    expect(missing).toEqual([])
  })

  test("zod stays in this folder's schema files, away from the request path", () => {
    for (const file of ["routes", "load", "app-spec", "settings"]) {
      expect(readFileSync(new URL(`../../host/config/${file}.ts`, import.meta.url), "utf8")).not.toContain(
        'from "zod"',
      )
    }
  })
})
