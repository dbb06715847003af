/**
 * Inputs of the fuzzer: streams of requests made by a grammar, entries of the corpus, and either with some bytes changed.
 * The same seed makes the same input. Text is Latin-1.
 */
import { CORPUS } from "./corpus.ts"
import { Random } from "./random.ts"

export interface FuzzInput {
  readonly text: string
  /** Made by the grammar and not changed: both readers must accept all of it. */
  readonly valid: boolean
  /** Requests in it, when it is valid. */
  readonly requests: number
}

export function generate(seed: number): FuzzInput {
  const random = new Random(seed)
  const dice = random.next()
  if (dice < 0.1) return stream(random)
  if (dice < 0.12) return { text: random.pick(CORPUS), valid: false, requests: 0 }
  let text = dice < 0.3 ? random.pick(CORPUS) : stream(random).text
  if (dice > 0.92) text = splice(random, text, random.chance(0.5) ? random.pick(CORPUS) : stream(random).text)
  for (let changes = 1 + random.below(random.pick([1, 1, 2, 4])); changes > 0; changes--)
    text = mutate(random, text)
  return { text, valid: false, requests: 0 }
}

/** Where the pieces of an input of `length` bytes end. */
export function cutsOf(seed: number, length: number): number[] {
  const random = new Random(~seed)
  const dice = random.next()
  if (dice < 0.6) return []
  if (dice < 0.62) return Array.from({ length }, (_, at) => at)
  return Array.from({ length: 1 + random.below(6) }, () => random.below(length)).sort((a, b) => a - b)
}

// Grammar

const METHODS = [
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "PUT",
  "HEAD",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "QUERY",
  "M-SEARCH",
]
const PATHS = ["/", "/", "/a", "/a/b?c=d", "/%00", "//x", "/?", "/a;b=c", '/"<>\\^`{|}', "/~!$&'()*+,:@"]
const HOSTS = ["a", "a.example", "A:80", "127.0.0.1:8080", "[::1]", "[::1]:80", "a.", "a_b-c"]
const LINES = [
  "Accept: */*",
  "accept: text/html, application/json;q=0.9",
  "User-Agent: x/1.0 (y; z)",
  "Accept-Encoding: gzip, deflate, br",
  "Cookie: a=b; c=d",
  "X-Empty:",
  "X-Empty: ",
  "X-Tabs:\tx\ty\t",
  "X-Spaces:   x  y   ",
  "X-Latin: \xe4\xff\x80",
  "X-Forwarded-For: 1.2.3.4",
  "X_Forwarded_For: 1.2.3.4",
  "X-Forwarded-Proto: https",
  "X-Request-Id: abc",
  "Forwarded: for=1.2.3.4",
  "X-Real-IP: 1.2.3.4",
  "TE: trailers",
  "TE: gzip",
  "Keep-Alive: timeout=5",
  "Proxy-Connection: keep-alive",
  "Upgrade-Insecure-Requests: 1",
  "Upgrade: h2c",
  "Connection: keep-alive",
  "Connection: X-Mine, Accept",
  "Connection: , ,",
  "X-Mine: 1",
  "!#$%&'*+-.^_`|~0aZ: token",
  "Content-Type: text/plain",
  "Expect: 100-continue",
  "Trailer: X",
  "Range: bytes=0-1",
  "Host2: a",
  "Content-Length2: 5",
  "Content-Lengt: 5",
  "Transfer-Encodings: chunked",
  "a: b:c: d",
]
const DATA = ["", "x", "hello", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\0\r\n\xff", "0\r\n\r\n", "\r\n", "\n"]

function stream(random: Random): FuzzInput {
  let text = ""
  const requests = 1 + random.below(3)
  for (let i = 0; i < requests; i++) text += request(random, i === requests - 1)
  return { text, valid: true, requests }
}

function request(random: Random, isLast: boolean): string {
  const method = random.pick(METHODS)
  const isOld = isLast && random.chance(0.1)
  let target = random.pick(PATHS)
  if (random.chance(0.1)) target = random.pick(["http://", "HTTPS://"]) + random.pick(HOSTS) + target
  else if (method === "OPTIONS" && random.chance(0.5)) target = "*"
  let text = `${random.chance(0.05) ? "\r\n" : ""}${method} ${target} HTTP/1.${isOld ? 0 : 1}\r\n`
  const lines: string[] = []
  if (!isOld || random.chance(0.5))
    lines.push(
      `${random.pick(["Host", "host", "HOST"])}:${random.pick([" ", "", "\t "])}${random.pick(HOSTS)}`,
    )
  for (let more = random.below(random.pick([2, 6, 12])); more > 0; more--) lines.push(random.pick(LINES))
  if (isLast && random.chance(0.1)) lines.push(random.pick(["Connection: close", "connection: x, Close"]))
  let body = ""
  const dice = random.next()
  if (dice < 0.3) {
    body = data(random)
    lines.push(
      `${random.pick(["Content-Length", "content-length"])}:${random.pick([" ", "", "  "])}${random.chance(0.1) ? "0" : ""}${body.length}${random.pick(["", "", " "])}`,
    )
  } else if (dice < 0.6 && !isOld) {
    body = chunks(random)
    lines.push(
      `${random.pick(["Transfer-Encoding", "transfer-encoding"])}:${random.pick([" ", "", "\t"])}${random.pick(["chunked", "Chunked"])}`,
    )
  }
  // Where a line stands must not matter.
  for (let i = lines.length - 1; i > 0 && dice > 0.1; i--) {
    const j = random.below(i + 1)
    const line = lines[i]!
    lines[i] = lines[j]!
    lines[j] = line
  }
  for (const line of lines) text += `${line}\r\n`
  return `${text}\r\n${body}`
}

function data(random: Random): string {
  return random.chance(0.001) ? "v".repeat(random.below(70_000)) : random.pick(DATA)
}

function chunks(random: Random): string {
  let text = ""
  for (let i = random.below(4); i > 0; i--) {
    const piece = data(random)
    if (piece === "") continue
    const size = piece.length.toString(16)
    text += `${random.chance(0.1) ? "00" : ""}${random.chance(0.5) ? size.toUpperCase() : size}${extension(random)}\r\n${piece}\r\n`
  }
  text += `0${extension(random)}\r\n`
  for (let i = random.chance(0.2) ? 1 + random.below(3) : 0; i > 0; i--)
    text += `${random.pick(["X: 1", "X-Sum:\tabc ", "Empty:", "a: \xe4"])}\r\n`
  return `${text}\r\n`
}

function extension(random: Random): string {
  return random.chance(0.1) ? random.pick([";a", ";a=b", ';a="b c"', ";a;b=c", ';a="\\"\\x"', ';a=""']) : ""
}

// Mutation

const MARKS = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "=",
  '"',
  "\\",
  "\x0b",
  "\x0c",
  "\x7f",
  "\x80",
  "\xa0",
  "\xff",
  "#",
  "?",
  "/",
  "*",
  "@",
  "[",
  "]",
  "%",
  "_",
  "+",
  "-",
  "0",
  "5",
  "x",
  "\x01",
  "\x85",
  "\x1f",
]
const FRAGMENTS = [
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "content-length: +5\r\n",
  "Host: a\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: websocket\r\n",
  "Connection: keep-alive\r\n",
  "Expect: 100-continue\r\n",
  "X: y\r\n z\r\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "5;a=b\r\nhello\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "HTTP/1.1",
  " HTTP/1.0\r\n",
  "chunked",
  ", chunked",
  "http://b",
]

function mutate(random: Random, text: string): string {
  const at = random.below(text.length + 1)
  switch (random.below(12)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1)
    case 1:
      return (
        text.slice(0, at) +
        String.fromCharCode((text.charCodeAt(at) ^ (1 << random.below(8))) & 255) +
        text.slice(at + 1)
      )
    case 2:
    case 3:
      return text.slice(0, at) + random.pick(MARKS) + text.slice(at)
    case 4:
      return text.slice(0, at) + random.pick(MARKS) + text.slice(at + 1)
    case 5:
      return text.slice(0, at) + text.slice(at + 1 + random.below(4))
    case 6:
      return text.slice(0, at) + random.pick(FRAGMENTS) + text.slice(at)
    case 7: {
      // At the start of a line, where it may pass for one.
      const start = text.indexOf("\n", at) + 1
      return text.slice(0, start) + random.pick(FRAGMENTS) + text.slice(start)
    }
    case 8: {
      // A line twice, or not at all.
      const start = text.indexOf("\n", at) + 1
      const next = text.indexOf("\n", start) + 1
      if (next === 0) return text.slice(0, at)
      return random.chance(0.5)
        ? text.slice(0, next) + text.slice(start)
        : text.slice(0, start) + text.slice(next)
    }
    case 9: {
      const end = at + 1 + random.below(12)
      const piece = text.slice(at, end)
      return (
        text.slice(0, at) +
        (random.chance(0.5) ? piece.toUpperCase() : piece.toLowerCase())
          .slice(0, piece.length)
          .replace(/[^\0-\xff]/g, "?") +
        text.slice(end)
      )
    }
    case 10:
      return random.chance(0.2)
        ? text.slice(0, at)
        : text.replace(
            random.pick(["\r\n", "\r\n\r\n", ": ", "chunked", "Content-Length"]),
            random.pick(["\n", "\r", "\n\n", " : ", ":", "", "\r\n\t", "chunked\0"]),
          )
    default: {
      // Marks next to other marks are where readers differ.
      const mark = text.indexOf(random.pick(["\r", "\n", ":", ";", ",", " "]), at)
      const place = mark === -1 ? at : mark + random.below(2)
      return text.slice(0, place) + random.pick(MARKS) + text.slice(place)
    }
  }
}

function splice(random: Random, one: string, other: string): string {
  return one.slice(0, random.below(one.length + 1)) + other.slice(random.below(other.length + 1))
}
