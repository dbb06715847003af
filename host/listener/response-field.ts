/** Which header lines of an answer belong to its connection, or mean something to the host. Told by length first. RFC 9110 7.6.1. */

export type ResponseHeaderKind =
  | "pass"
  | "drop"
  | "connection"
  | "content-length"
  | "date"
  | "sendfile"
  | "hsts"

export function responseHeaderKind(name: string): ResponseHeaderKind {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === "date" ? "date" : "pass"
    case 7:
      return name.toLowerCase() === "upgrade" ? "drop" : "pass"
    case 10: {
      const lower = name.toLowerCase()
      if (lower === "connection") return "connection"
      if (lower === "x-sendfile") return "sendfile"
      return lower === "keep-alive" ? "drop" : "pass"
    }
    case 14:
      return name.toLowerCase() === "content-length" ? "content-length" : "pass"
    case 16: {
      const lower = name.toLowerCase()
      if (lower === "x-accel-redirect") return "sendfile"
      return lower === "proxy-connection" ? "drop" : "pass"
    }
    case 17:
      return name.toLowerCase() === "transfer-encoding" ? "drop" : "pass"
    case 25:
      return name.toLowerCase() === "strict-transport-security" ? "hsts" : "pass"
    default:
      return "pass"
  }
}
