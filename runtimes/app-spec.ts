/**
 * AppSpec: what an app is, as data, after configuration was read, checked and given its defaults.
 * `host/config/` makes it; the supervisor and the runtimes read it. Durations are milliseconds (Infinity = off),
 * sizes are bytes, paths are absolute.
 */

export const RUNTIME_NAMES = [
  "node",
  "bun",
  "deno",
  "thread",
  "isolate",
  "python",
  "ruby",
  "command",
] as const
export type RuntimeName = (typeof RUNTIME_NAMES)[number]
export type InterfaceName = "fetch" | "server" | "wsgi" | "asgi" | "rack"

export interface RuntimeRequest {
  readonly name: RuntimeName
  /** Semver range, `lts`, `latest` or "" (any). Ignored when `path` is set. */
  readonly version: string
  /** Path of the program to use, or null: the toolchain finds one. */
  readonly path: string | null
  /** Arguments for the runtime itself, before the entry: `["--max-old-space-size=256"]`, `["--allow-net"]`. */
  readonly args: readonly string[]
}

export interface Route {
  /** Lower-case host name, `*.example.com`, or "*" for any. */
  readonly host: string
  /** `/`-path. With `prefix` it also matches everything below: `/shop` + prefix matches `/shop` and `/shop/x`, not `/shopping`. */
  readonly path: string
  readonly prefix: boolean
}

export interface AppSpec {
  readonly name: string
  readonly dir: string
  /** Path of the manifest, or null when the app was detected or given inline. */
  readonly manifest: string | null
  readonly runtime: RuntimeRequest
  /** Entry file; null for runtime `command`. */
  readonly entry: string | null
  /** Arguments of the app, after its entry: `["start"]`. */
  readonly args: readonly string[]
  readonly interface: "auto" | InterfaceName
  /** Program and arguments of runtime `command`, else null. */
  readonly command: readonly string[] | null
  readonly routes: readonly Route[]
  readonly stripPrefix: boolean
  readonly instances: { readonly min: number; readonly max: number }
  /** Requests in flight in one instance. */
  readonly concurrency: number
  /** Variables of the app: `envFile` under `env`. The allow-list of the host's own is added at launch. */
  readonly env: Readonly<Record<string, string>>
  readonly limits: {
    readonly memoryBytes: number
    readonly memorySoftBytes: number
    readonly files: number
    readonly requestBodyBytes: number
    /** CPU time that one request may use; isolates only. Over the soft limit the instance is replaced, over the hard one it is ended. */
    readonly cpuMs: number
    readonly cpuSoftMs: number
  }
  readonly timeouts: {
    readonly startMs: number
    readonly requestMs: number
    readonly streamMs: number
    readonly wedgeMs: number
    readonly queueMs: number
    readonly idleMs: number
    readonly drainMs: number
    readonly killMs: number
  }
  readonly queue: { readonly max: number }
  /** What the app may call by name: `env.NAME`. */
  readonly bindings: Readonly<Record<string, Binding>>
  /** Networks and hosts that an isolate may reach by `fetch`, as written: `public`, `https://api.example.com`. See `outbound.ts`. */
  readonly outbound: readonly string[]
  /** Name of the cell that thread and isolate apps share; null: by the runtime's own rule. */
  readonly cell: string | null
  /** Isolates: one context for all requests of an instance, or a fresh one for each. */
  readonly policy: Policy
  readonly health: { readonly path: string; readonly intervalMs: number } | null
  /** Files that the host answers itself, before the app is asked. The first that has the path decides. */
  readonly static: readonly StaticFolder[]
  /** What the app may have the host send in its place, by X-Accel-Redirect or X-Sendfile. */
  readonly sendfile: readonly SendfileFolder[]
  /** Answers are compressed for clients that take it; null: never. */
  readonly compression: Compression | null
  /** WebSocket connections that the host ends for a fetch app. */
  readonly webSocket: WebSocketLimits
  /** Which requests of a client go to one and the same instance, when there are several. */
  readonly sticky: Sticky
  /** Answers of the app's own in place of the host's error answers: by reason code, status ("404") or class ("5xx"). */
  readonly errorPages: ErrorPages
}

/** Another app, or a key-value store: `namespace` is the app's name unless the manifest gives another. */
export type Binding =
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "store"; readonly namespace: string }

export interface StaticFolder {
  /** Path in the app's own URL space (after `stripPrefix`), decoded, without a trailing `/`; "" is all of it. */
  readonly path: string
  /** It is a folder with all that is below; else one file. */
  readonly prefix: boolean
  /** The folder, or the one file. Absolute. */
  readonly file: string
  /** File that answers for a folder; null: none does. */
  readonly index: string | null
  /** File, absolute, that answers for paths below that are none, when the client wants HTML (single-page apps); null: none does. */
  readonly fallback: string | null
  /** Who answers for a path that is no file: the app, or the host with 404. */
  readonly missing: "app" | "404"
  /** Value of Cache-Control; "": none is sent. */
  readonly cacheControl: string
  /** `x.js.br`, `.zst`, `.gz` beside `x.js` are sent to clients that take them. */
  readonly precompressed: boolean
}

/** X-Accel-Redirect names URLs below `path`, X-Sendfile files below `dir`. */
export interface SendfileFolder {
  /** As in StaticFolder: decoded, without a trailing `/`. */
  readonly path: string
  /** Absolute. */
  readonly dir: string
}

export type ContentCoding = "zstd" | "br" | "gzip"

export interface Compression {
  /** Best first: of those that a client takes equally, the first is used. */
  readonly encodings: readonly ContentCoding[]
  /** Bodies that are known to be shorter stay as they are. */
  readonly minBytes: number
}

export interface WebSocketLimits {
  /** Longest message of a client; a longer one closes the connection with 1009. */
  readonly messageBytes: number
  /** Between pings; a client that has not answered one by the next is gone. Infinity = off. */
  readonly pingMs: number
  /** Longest time without a message either way; then it is closed with 1001. Infinity = off. */
  readonly idleMs: number
  /** permessage-deflate (RFC 7692) is used with clients that offer it. */
  readonly compression: boolean
}

/**
 * `auto`: an Engine.IO session (socket.io) stays with the instance that began it; `cookie`: a cookie of the host's names the
 * instance; `address`: by the client's address; `off`: any instance takes any request.
 */
export type Sticky = "auto" | "cookie" | "address" | "off"

export type Policy = "perApp" | "perRequest"

export type ErrorPages = ReadonlyMap<string, ErrorPage>

export interface ErrorPage {
  /** Value of Content-Type. */
  readonly type: string
  /** Text with `{{status}}` `{{code}}` `{{title}}` `{{requestId}}` `{{app}}`, which each answer fills in. */
  readonly body: string
}
