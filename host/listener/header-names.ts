/**
 * Which header lines do not pass through the host. Told by length first: most names need no comparison.
 * Hop-by-hop fields: RFC 9110 7.6.1. Forwarded fields are the host's own statement, never the client's.
 */

export type RequestHeaderKind =
  | "pass"
  | "drop"
  | "host"
  | "connection"
  | "content-length"
  | "transfer-encoding"

export function requestHeaderKind(name: string): RequestHeaderKind {
  // CGI-like interfaces make `X_Forwarded_For` and `X-Forwarded-For` the same variable: a client must not set either.
  if ((name[0] === "x" || name[0] === "X") && name.includes("_"))
    return requestHeaderKind(name.replaceAll("_", "-"))
  switch (name.length) {
    case 2:
      return name.toLowerCase() === "te" ? "drop" : "pass"
    case 4:
      return name.toLowerCase() === "host" ? "host" : "pass"
    case 6:
      return name.toLowerCase() === "expect" ? "drop" : "pass"
    case 7: {
      const lower = name.toLowerCase()
      return lower === "upgrade" || lower === "trailer" ? "drop" : "pass"
    }
    case 9: {
      const lower = name.toLowerCase()
      return lower === "forwarded" || lower === "x-real-ip" ? "drop" : "pass"
    }
    case 10: {
      const lower = name.toLowerCase()
      if (lower === "connection") return "connection"
      return lower === "keep-alive" ? "drop" : "pass"
    }
    case 12:
      return name.toLowerCase() === "x-request-id" ? "drop" : "pass"
    case 14:
      return name.toLowerCase() === "content-length" ? "content-length" : "pass"
    case 16: {
      const lower = name.toLowerCase()
      return lower === "proxy-connection" || lower.startsWith("x-forwarded-") ? "drop" : "pass"
    }
    case 17: {
      const lower = name.toLowerCase()
      if (lower === "transfer-encoding") return "transfer-encoding"
      return lower.startsWith("x-forwarded-") ? "drop" : "pass"
    }
    default:
      return name.length > 12 &&
        (name[0] === "x" || name[0] === "X") &&
        name.toLowerCase().startsWith("x-forwarded-")
        ? "drop"
        : "pass"
  }
}

export type ResponseHeaderKind = "pass" | "drop" | "connection" | "content-length" | "date"

export function responseHeaderKind(name: string): ResponseHeaderKind {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === "date" ? "date" : "pass"
    case 7:
      return name.toLowerCase() === "upgrade" ? "drop" : "pass"
    case 10: {
      const lower = name.toLowerCase()
      if (lower === "connection") return "connection"
      return lower === "keep-alive" ? "drop" : "pass"
    }
    case 14:
      return name.toLowerCase() === "content-length" ? "content-length" : "pass"
    case 16:
      return name.toLowerCase() === "proxy-connection" ? "drop" : "pass"
    case 17:
      return name.toLowerCase() === "transfer-encoding" ? "drop" : "pass"
    default:
      return "pass"
  }
}
