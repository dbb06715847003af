/**
 * The shape of `polyhost.json` and `polyhost.app.json`. Both published JSON Schemas and both input types come from here.
 * Owns what each key may hold; what needs the file system, or two keys at once, is `app-spec.ts`.
 * Messages say what is allowed; `validate.ts` adds what was seen and where.
 */
import { z } from "zod"
import { parseOutbound } from "../../runtimes/outbound.ts"
import { APP_PAGE_CODES, HOST_PAGE_CODES } from "./error-pages.ts"
import { errorPages, httpLimits, httpTimeouts, trustProxy } from "./http-fields.ts"
import { parseListen } from "./listen.ts"
import {
  concurrency,
  duration,
  env,
  expected,
  flag,
  health,
  instances,
  limits,
  name,
  queue,
  route,
  runtimeObject,
  runtimeText,
  text,
  timeouts,
  whole,
} from "./schema-fields.ts"
import {
  compression,
  SENDFILE_TEXT,
  STATIC_TEXT,
  sendfileFolder,
  staticFolder,
  sticky,
  webSocket,
} from "./schema-front.ts"
import { http2, tls } from "./schema-tls.ts"

const outboundRule = text("an origin or a network").superRefine((value, context) => {
  if (value === "") return // Already said.
  const parsed = parseOutbound(value)
  if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem })
})

const appKeys = {
  name: name.optional().describe("Name of the app. Default: the folder's name."),
  runtime: z
    .union([runtimeText, runtimeObject], expected('a runtime such as "node@22", or an object with "name"'))
    .optional()
    .describe('Runtime and version: "node@22", "bun", "deno@^2.3", or an object. Default: detected.'),
  entry: text("the path of a file")
    .optional()
    .describe("Entry file, relative to the app's folder. Default: by convention."),
  args: z
    .array(z.string(expected("a word")), expected('a list such as ["start"]'))
    .optional()
    .describe("Arguments of the app, after its entry. Default: those of the start script, else none."),
  interface: z
    .enum(
      ["auto", "fetch", "server", "wsgi", "asgi", "rack"],
      expected("one of auto, fetch, server, wsgi, asgi, rack"),
    )
    .optional()
    .describe('How the app is called. Default: "auto".'),
  command: z
    .array(text("a word of a command"), expected('a list such as ["./bin/server", "--quiet"]'))
    .min(1, expected("at least the program"))
    .optional()
    .describe('Program and arguments of an app with runtime "command".'),
  routes: z
    .array(route, expected("a list of routes"))
    .optional()
    .describe(
      'Addresses of the app: host, host/path or /path; a trailing "/*" is a prefix, "*.host" a wildcard.',
    ),
  stripPrefix: flag.optional().describe("Remove the path of a matched prefix route before the app sees it."),
  instances: instances.optional(),
  concurrency: concurrency.optional(),
  env: env.optional(),
  envFile: z
    .union([text("the path of a file"), z.literal(false)], expected("the path of a file, or false for none"))
    .optional()
    .describe('File of variables, read under "env". Default: ".env" when it exists; false for none.'),
  bindings: z
    .record(
      z.string().regex(/^[A-Za-z_$][\w$]*$/, expected("a name such as AUTH")),
      text("").regex(
        /^(app:[a-z0-9-]{1,63}|kv(:[a-z0-9-]{1,63})?)$/,
        expected('another app ("app:auth") or a key-value store ("kv", or "kv:name" to share one)'),
      ),
      expected('an object such as {"AUTH": "app:auth", "STORE": "kv"}'),
    )
    .optional()
    .describe(
      'What the app may call as env.NAME: another app ("app:auth": env.AUTH.fetch) or a key-value store ("kv"). env.STORE is a store of the app\'s own unless this, or a variable, says otherwise.',
    ),
  outbound: z
    .array(outboundRule, expected('a list such as ["https://api.example.com", "public"]'))
    .optional()
    .describe(
      'What an isolate may reach by fetch: origins ("https://api.example.com", "https://*.example.com") and networks ("public", "private", "loopback"). Default: none.',
    ),
  policy: z
    .enum(["perApp", "perRequest"], expected("perApp or perRequest"))
    .optional()
    .describe('Isolates: one context for an instance\'s requests, or a fresh one each. Default: "perApp".'),
  limits: limits.optional(),
  timeouts: timeouts.optional(),
  queue: queue.optional(),
  recycle: z
    .strictObject(
      {
        requests: z
          .union([whole(1, 1_000_000_000), z.literal("off")], expected('a whole number from 1, or "off"'))
          .optional()
          .describe("Requests after which an instance is replaced."),
        age: duration.optional().describe("Age at which an instance is replaced."),
      },
      expected('an object such as {"requests": 10000}'),
    )
    .optional()
    .describe("When instances are replaced by fresh ones. Not enforced by this version."),
  health: health.optional(),
  errorPages: errorPages(APP_PAGE_CODES, "the app's folder").optional(),
  cell: text("the name of a cell")
    .optional()
    .describe(
      "Cell that thread and isolate apps of one name share. Default: threads one app a cell, isolates as the host places them.",
    ),
  reload: z
    .strictObject(
      {
        touch: flag.optional().describe("Reload when the manifest or tmp/restart.txt is touched."),
        watch: flag.optional().describe("Reload when a source file changes."),
      },
      expected('an object such as {"watch": true}'),
    )
    .optional()
    .describe("When the app is reloaded by itself. Not enforced by this version."),
  static: z.array(staticFolder, expected("a list of folders")).optional().describe(STATIC_TEXT),
  sendfile: z.array(sendfileFolder, expected("a list of folders")).optional().describe(SENDFILE_TEXT),
  compression: compression.optional(),
  websocket: webSocket.optional(),
  sticky: sticky.optional(),
}

const schemaKey = {
  $schema: z.string(expected("a URL or path")).optional().describe("JSON Schema, for editors."),
}

/** `polyhost.app.json`. */
export const appManifestSchema = z
  .strictObject({ ...schemaKey, ...appKeys }, expected("an object: the manifest of an app"))
  .describe("Manifest of a Polyhost app (polyhost.app.json).")

/** An app written inside a host config. */
export const inlineAppSchema = z.strictObject(
  {
    dir: text("the path of a folder").describe("Folder of the app, relative to the host config."),
    ...appKeys,
  },
  expected("an object: an app"),
)

const listen = text("an address").superRefine((value, context) => {
  const parsed = parseListen(value)
  if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem })
})

/** `polyhost.json`. */
export const hostConfigSchema = z
  .strictObject(
    {
      ...schemaKey,
      listen: z
        .array(listen, expected('a list of addresses such as ["127.0.0.1:8080"]'))
        .min(
          1,
          'expected at least one address, such as "127.0.0.1:8080"; without "listen" that is the default',
        )
        .optional()
        .describe(
          'Addresses to listen on: "127.0.0.1:8080", "[::1]:8080", ":8080", "unix:/path", with TLS "https://:8443". Default: ["127.0.0.1:8080"].',
        ),
      apps: z
        .array(
          z.union(
            [text("a folder, manifest or pattern"), inlineAppSchema],
            expected('a folder, manifest or pattern, or an object with "dir"'),
          ),
          expected('a list such as ["./apps/*"]'),
        )
        .describe('Apps: folders, manifests, patterns such as "./apps/*", or objects with "dir".'),
      limits: httpLimits.optional(),
      timeouts: httpTimeouts.optional(),
      trustProxy: trustProxy.optional(),
      tls: tls.optional(),
      http2: http2.optional(),
      errorPages: errorPages(HOST_PAGE_CODES, "the folder of the host config").optional(),
      cells: z
        .strictObject(
          { isolates: whole(1, 10_000).optional().describe("Isolate instances in one cell. Default: 64.") },
          expected('an object such as {"isolates": 64}'),
        )
        .optional()
        .describe("Cells: processes that hold many thread or isolate instances."),
      defaults: z
        .strictObject(
          {
            timeouts: timeouts.optional(),
            limits: limits.optional(),
            queue: queue.optional(),
            instances: instances.optional(),
            concurrency: concurrency.optional(),
            env: env.optional(),
            health: health.optional(),
            compression: compression.optional(),
            websocket: webSocket.optional(),
            sticky: sticky.optional(),
          },
          expected("an object of defaults"),
        )
        .optional()
        .describe("Values for every app that does not give its own."),
    },
    expected("an object: the host config"),
  )
  .describe("Host config of Polyhost (polyhost.json).")

export type AppManifestInput = z.input<typeof appManifestSchema>
export type InlineAppInput = z.input<typeof inlineAppSchema>
export type HostConfigInput = z.input<typeof hostConfigSchema>
export type DefaultsInput = NonNullable<HostConfigInput["defaults"]>
