/**
 * Files that make no sense on a server, by rule, each with its reason in words. Single subtests of files that do are in
 * `expectations/`. A rule is a path or what a file's text asks for.
 */

import { knowsHandler } from "./handlers.ts"

interface Rule {
  readonly path?: RegExp
  readonly text?: RegExp
  readonly scope?: "window"
  readonly reason: string
}

const RULES: readonly Rule[] = [
  {
    path: /^websockets\//,
    reason: "a WebSocket client: an isolate has WebSockets for served connections only",
  },
  { path: /^eventsource\//, reason: "EventSource is no part of the minimum common API" },
  {
    path: /\.tentative\.(?:any|window|https|html)/,
    text: /shadowrealm|ShadowRealm/,
    reason: "needs ShadowRealm",
  },
  { path: /shadowrealm/i, reason: "needs ShadowRealm" },
  { path: /\.h2\./, reason: "needs the WPT server's HTTP/2 handlers" },
  {
    path: /\.sub\.window|crossorigin|cross-origin|cross-realm|cross-global/,
    reason: "needs frames of other origins",
  },
  { path: /historical\.window/, reason: "needs a document" },
  { path: /serviceworker|service-worker/i, reason: "needs service workers" },
  { path: /^streams\/transferable\//, reason: "needs postMessage between realms (frames, workers)" },
  { path: /owning-type/, reason: "owning streams: a proposal that no engine ships" },
  { path: /^streams\/.*crashtests/, reason: "needs a document" },
  { path: /\/gc[-.]/, reason: "needs a way to force garbage collection" },
  {
    path: /^fetch\/api\/request\/destination\//,
    reason: "needs elements that load: destinations are a browser's",
  },
  {
    path: /^fetch\/api\/request\/request-(?:bad-port|reset)/,
    reason: "blocked ports, which a browser has for its user; the outbound policy has its own",
  },
  { path: /^fetch\/http-cache\//, reason: "needs an HTTP cache, which a browser has" },
  { path: /^fetch\/api\/redirect\/.*keepalive|keepalive/, reason: "keepalive of a page that is left" },
  { path: /^mimesniff\/(?:media|sniffing)/, reason: "needs elements that load" },
  {
    path: /^(?!(?:WebCryptoAPI\/digest|compression|dom\/abort|streams|url)\/).*\.tentative\./,
    reason: "a proposal, not in its standard yet",
  },
  { path: /^WebCryptoAPI\/historical/, reason: "asks for a page that was not loaded over TLS" },
  {
    path: /^FileAPI\/(?:reading-data-section|FileReader)/,
    reason: "FileReader is no part of the minimum common API",
  },
  { path: /^FileAPI\/file\/send-file-form(?:-|\.)/, reason: "needs a document: forms that are sent" },
  { path: /^fetch\/api\/basic\/mediasource/, reason: "needs MediaSource" },
  {
    path: /^fetch\/api\/abort\/cache/,
    reason: "needs the Cache API, which is no part of the minimum common API",
  },
  {
    path: /^fetch\/content-encoding\/.*(?:zstd|compression-dictionary)/,
    reason: "zstd as a content coding is optional",
  },
  {
    path: /^fetch\/api\/(?:basic|redirect)\/.*(?:referrer|origin)/,
    reason: "referrer, origin and mode: a browser's policy between sites",
  },
  {
    path: /^fetch\/api\/basic\/(?:scheme-blob)/,
    reason: "URLs of blobs name objects of a page that lives on; an isolate has none",
  },
  {
    path: /^dom\/events\/.*(?:timestamp|webkit|non-cancelable|scrolling|focus|mouse|key|wheel|pointer|legacy|composition)/i,
    reason: "events of a user interface",
  },
  { path: /event-global/, reason: "window.event: a page's" },
  {
    path: /^hr-time\/.*(?:origin|isolated|attack|cross|clamped|document|navigation)/,
    reason: "clocks of pages and frames",
  },
  { path: /^(?:user-timing|performance-timeline)\/.*\.html$/, reason: "timing of a page's load" },
  {
    path: /\.(?:window|html)/,
    text: /\bPerformanceObserver\b/,
    reason: "needs PerformanceObserver, which is no part of the minimum common API",
  },
  {
    path: /^(?:user-timing|performance-timeline)\//,
    text: /\bPerformanceObserver\b/,
    reason: "needs PerformanceObserver, which is no part of the minimum common API",
  },
  {
    path: /^performance-timeline\//,
    text: /\bnavigation\b|getEntriesByType\("resource"\)|ResourceTiming/,
    reason: "timing of a page's load and resources",
  },
  {
    path: /\.(?:window|worker)\.js$|\.any\.js$/,
    text: /\bnavigator\.serviceWorker\b|\bnew (?:Shared)?Worker\(|\bBroadcastChannel\(/,
    reason: "needs workers",
  },
  { text: /\bXMLHttpRequest\b/, scope: "window", reason: "needs XMLHttpRequest" },
  {
    text: /\bdocument\.(?!cookie\b)|\bcreateElement\b|\bDOMParser\b|\bwith_iframe\b|\bHTMLElement\b|\biframe\b/,
    scope: "window",
    reason: "needs a document",
  },
]

export function reasonNotToRun(path: string, text: string, scope: "worker" | "window"): string | null {
  const rule = RULES.find(
    (it) =>
      (it.path === undefined || it.path.test(path)) &&
      (it.text === undefined || it.text.test(text)) &&
      (it.scope === undefined || it.scope === scope),
  )
  return rule?.reason ?? handlerOf(text)
}

/** The suite's server runs handlers in Python; those that the harness knows stand in `handlers.ts`. */
function handlerOf(text: string): string | null {
  const names = [...text.matchAll(/([\w.-]+\.py)\b/g)].map(([, name]) => name!)
  const unknown = names.find((name) => !knowsHandler(name))
  return unknown === undefined ? null : `needs the WPT server's handler ${unknown}`
}
