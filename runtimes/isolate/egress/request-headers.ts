/**
 * Header fields of a request as they leave: what the app set, without the fields that belong to the connection, and with
 * what every client says of itself. Framing is the client's own: an app could smuggle a second request with it.
 */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** Host too: with a host of its own choice an app reached other sites at an address that its manifest lists. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
])

/** `bodyBytes`: the length that was stated, -1 when none was. */
export function outgoingHeaders(
  headers: HeaderPairs,
  body: { readonly hasBody: boolean; readonly bodyBytes: number },
  userAgent: string,
): HeaderPairs {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const kept = headers.filter(([name]) => !OURS.has(name.toLowerCase()))
  const defaults: HeaderPairs = [
    ["accept", "*/*"],
    ["accept-language", "*"],
    // A part of a compressed body is of no use to who asked for a part of the body (fetch standard, 4.6).
    ["accept-encoding", names.has("range") ? "identity" : "gzip, deflate, br, zstd"],
    ["user-agent", userAgent],
  ]
  return [...kept, ...defaults.filter(([name]) => !names.has(name)), ...framing(body)]
}

/** The length that the app states, if it is one: many servers take no body without it. */
export function statedLength(headers: HeaderPairs): number {
  const lengths = headers.filter(([name]) => name.toLowerCase() === "content-length")
  const [, value = ""] = lengths.length === 1 ? (lengths[0] ?? []) : []
  return /^\d{1,15}$/.test(value) ? Number(value) : -1
}

function framing({ hasBody, bodyBytes }: { hasBody: boolean; bodyBytes: number }): HeaderPairs {
  if (!hasBody) return []
  return [bodyBytes < 0 ? ["transfer-encoding", "chunked"] : ["content-length", `${bodyBytes}`]]
}
