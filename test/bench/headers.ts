/**
 * The extra request headers of the loads: what a browser sends (20), and what a request carries after it passed a CDN,
 * a mesh and a single sign-on gateway (91, about 3.6 KiB). The same bytes in every run. No hop-by-hop and no forwarded
 * line among them: a proxy may rewrite those, and the targets would not get the same request.
 */

export const HEADERS_20: readonly string[] = [
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
  "Cache-Control: no-cache",
  "Cookie: session=0f8fad5b-d9cb-469f-a165-70867728950e; theme=dark; consent=1",
  "DNT: 1",
  "Pragma: no-cache",
  "Priority: u=0, i",
  "Referer: http://127.0.0.1/start",
  'Sec-CH-UA: "Chromium";v="140", "Not=A?Brand";v="24"',
  "Sec-CH-UA-Mobile: ?0",
  'Sec-CH-UA-Platform: "Linux"',
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-User: ?1",
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "X-Requested-With: XMLHttpRequest",
  "If-None-Match: W/5f-17c",
]

/** A function of the line's number, so that the values differ from line to line and never from run to run. */
type Value = (seed: number) => string

const digits: Value = (seed) => String(100_000 + (scramble(seed) % 900_000))
const hex: Value = (seed) => scramble(seed).toString(16).padStart(8, "0")
const id: Value = (seed) => hex(seed) + hex(seed + 1000)
const uuid: Value = (seed) => {
  const text = id(seed) + id(seed + 2000)
  return [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map(([from, to]) => text.slice(from, to))
    .join("-")
}
const trace: Value = (seed) => `00-${id(seed)}${id(seed + 2000)}-${id(seed + 3000)}-01`
const token: Value = (seed) => Array.from({ length: 26 }, (_, part) => hex(seed + 1000 * part)).join("")
const flag: Value = (seed) => (scramble(seed) % 2 === 0 ? "true" : "false")
const word: Value = (seed) => WORDS[scramble(seed) % WORDS.length] as string
const address: Value = (seed) => `10.${[1, 2, 3].map((it) => scramble(seed + it) % 256).join(".")}`
const version: Value = (seed) => [1, 2, 3].map((it) => scramble(seed + it) % 30).join(".")

const WORDS = [
  "eu-central-1",
  "production",
  "checkout",
  "edge-fra-07",
  "standard",
  "canary",
  "web",
  "mobile-app",
]

const LATER: readonly (readonly [kind: Value, names: string])[] = [
  [uuid, "X-Request-ID X-Correlation-ID X-Session-ID X-Device-ID X-Tenant-ID X-Cart-ID X-Edge-Request-Id"],
  [trace, "Traceparent X-Cloud-Trace-Context X-Amzn-Trace-Id"],
  [token, "X-Id-Token X-Csrf-Token X-Mesh-Identity X-Client-Fingerprint"],
  [id, "CF-Ray X-B3-TraceId X-B3-SpanId X-B3-ParentSpanId Fastly-Client-ID X-Datadog-Trace-Id"],
  [hex, "X-Build-Hash X-Experiment-Hash X-Asset-Hash X-Config-Hash X-Ja3-Hash X-Ja4-Hash"],
  [
    digits,
    "X-User-ID X-Account-ID X-Org-ID X-Request-Start X-Queue-Start X-Cdn-Time X-Timezone-Offset X-Screen-Width",
  ],
  [
    digits,
    "X-Screen-Height X-Rate-Limit-Key X-Retry-Budget X-Envoy-Expected-Rq-Timeout-Ms X-Deadline-Ms X-Asn",
  ],
  [
    flag,
    "X-B3-Sampled X-Debug X-Is-Bot X-Is-Mobile X-Is-Logged-In X-Consent-Ads X-Consent-Stats Save-Data X-Preview",
  ],
  [
    word,
    "X-Region X-Zone X-Edge-Pop X-Environment X-Service-Name X-Caller X-Plan X-Variant CF-IPCountry X-Channel",
  ],
  [address, "True-Client-IP CF-Connecting-IP X-Edge-Address X-Mesh-Address X-Cluster-Client-IP"],
  [
    version,
    "X-App-Version X-Api-Version X-Sdk-Version X-Schema-Version X-Client-Version X-Os-Version X-Mesh-Version",
  ],
]

export const HEADERS_91: readonly string[] = [
  ...HEADERS_20,
  ...LATER.flatMap(([kind, names]) => names.split(" ").map((name) => ({ kind, name }))).map(
    ({ kind, name }, line) => `${name}: ${kind(line + 1)}`,
  ),
]

/** A 32-bit number that looks random and depends on the seed alone (the finalizer of MurmurHash3). */
function scramble(seed: number): number {
  let it = Math.imul(seed, 0x9e3779b1)
  it = Math.imul(it ^ (it >>> 16), 0x85ebca6b)
  it = Math.imul(it ^ (it >>> 13), 0xc2b2ae35)
  return (it ^ (it >>> 16)) >>> 0
}
