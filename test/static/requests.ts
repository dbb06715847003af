/**
 * Requests for files, asked of nginx once (`record-nginx.ts`, table in NGINX.md) and of the host in every run of the tests. What an
 * answer comes to is one line of text, so that two of them can be compared; where the host means to differ, the row says why.
 */
import { createHash } from "node:crypto"

export interface Row {
  /** Raw bytes of the target, each code unit one. */
  readonly target: string
  readonly method?: string
  /** `{etag}` and `{modified}` stand for what a plain GET of the same target says. */
  readonly headers?: Readonly<Record<string, string>>
  /** The host's answer, when it is not nginx's, and why. */
  readonly ours?: string
  readonly why?: string
}

/** The answer to a request, from its first byte on. */
export interface Raw {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export function nameOf({ target, method = "GET", headers = {} }: Row): string {
  const lines = Object.entries(headers).map(([name, value]) => ` ${name}: ${value}`)
  const shown = target.length > 80 ? `${target.slice(0, 40)}…(${target.length} bytes)` : target
  const escaped = shown.replace(/[^\x21-\x7e…]/g, (it) => (it === " " ? it : encodeURIComponent(it)))
  return `${method} ${escaped}${lines.join("")}`
}

export function requestText({ target, method = "GET", headers = {} }: Row, seen: Raw | null): string {
  let text = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`
  for (const [name, value] of Object.entries(headers)) {
    const etag = seen?.headers.get("etag") ?? ""
    const modified = seen?.headers.get("last-modified") ?? ""
    text += `${name}: ${value.replaceAll("{etag}", etag).replaceAll("{modified}", modified)}\r\n`
  }
  return `${text}\r\n`
}

export function parse(bytes: Buffer): Raw {
  const end = bytes.indexOf("\r\n\r\n")
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n")
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status: Number(first.split(" ")[1]), headers, body: bytes.subarray(end + 4) }
}

/** What of an answer is compared. */
export function summaryOf({ status, headers, body }: Raw): string {
  const said: string[] = [String(status)]
  const say = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") said.push(`${name}=${value}`)
  }
  const type = (headers.get("content-type") ?? "").replace(/;.*/, "")
  if (status === 301) say("to", (headers.get("location") ?? "").replace(/^http:\/\/localhost(?::\d+)?/, ""))
  if (status === 416 || status === 206) say("range", headers.get("content-range"))
  if (status === 200 || status === 206) {
    say("type", type)
    say("coding", headers.get("content-encoding"))
    say("vary", headers.get("vary"))
    say("ranges", headers.get("accept-ranges"))
    if (type === "multipart/byteranges") {
      const boundary = /boundary="?([^";]+)/.exec(headers.get("content-type") ?? "")?.[1] ?? "?"
      const text = body
        .toString("latin1")
        .replaceAll(boundary, "B")
        .replaceAll(/; charset=[\w-]+/g, "")
      say("parts", [...text.matchAll(/content-range: bytes ([^\r]+)/gi)].map((it) => it[1]).join("+"))
      say("sha", shaOf(text.toLowerCase()))
    } else {
      say("length", headers.get("content-length"))
      if (body.length > 0) say("sha", shaOf(body))
    }
  }
  if (status === 200 || status === 206 || status === 304) {
    if (headers.has("etag")) said.push(headers.get("etag")!.startsWith("W/") ? "weak-etag" : "etag")
    say("modified", headers.get("last-modified"))
  }
  return said.join(" ")
}

function shaOf(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 8)
}
