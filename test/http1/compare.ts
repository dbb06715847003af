/** Holds the subject against the oracle: what our readers accept must be what llhttp accepts, and mean the same. */
import { LlhttpOracle, type ReadRequest } from "./llhttp-oracle.ts"
import { Subject, type SubjectRequest } from "./subject.ts"

/** What may still come after a stream that ends in the middle of a request. */
const COMPLETIONS = [
  "\r\n\r\n",
  "\n\r\n",
  "\r\nHost: a\r\n\r\n",
  "\r\n0\r\n\r\n",
  "0\r\n\r\n",
  "x\r\n0\r\n\r\n",
]

export interface Verdict {
  /** What is wrong, or "". */
  problem: string
  /** Requests that both accept. */
  accepted: number
  refused: boolean
}

export class Comparison {
  readonly subject = new Subject()
  readonly #oracle = new LlhttpOracle()

  /** `bytes` is a whole stream; `cuts` are where its pieces end for the subject. */
  judge(bytes: Buffer, cuts: readonly number[], _seed = 0): Verdict {
    const { subject } = this
    subject.start()
    let at = 0
    for (const cut of cuts) {
      if (cut <= at || cut >= bytes.length) continue
      subject.feed(bytes.subarray(at, cut))
      at = cut
    }
    subject.feed(at === 0 ? bytes : bytes.subarray(at))
    const { requests, wholes, closed } = subject
    const refused = subject.refusal !== ""
    // Whatever is refused at once means nothing to anybody.
    if (requests.length === 0 && refused) return { problem: "", accepted: 0, refused }
    return { problem: this.#problem(bytes, requests, refused || closed), accepted: wholes, refused }
  }

  #problem(bytes: Buffer, requests: readonly SubjectRequest[], isOver: boolean): string {
    const oracle = this.#oracle
    oracle.start()
    let at = 0
    for (const [index, request] of requests.entries()) {
      if (!request.whole) break
      // Up to its last byte it is not whole; with it, it is: so the next one starts at the same place.
      oracle.feed(bytes.subarray(at, request.end - 1))
      if (oracle.wholes > index) return `request ${index} ends sooner for llhttp`
      oracle.feed(bytes.subarray(request.end - 1, request.end))
      at = request.end
      if (oracle.wholes !== index + 1)
        return oracle.error === ""
          ? `request ${index} ends later for llhttp`
          : `request ${index} is refused by llhttp: ${oracle.error}`
      const difference = differs(request, oracle.requests[index]!)
      if (difference !== "") return `request ${index}: ${difference}`
    }
    const last = requests.at(-1)
    if (last?.whole === true && isOver) return ""
    oracle.feed(bytes.subarray(at))
    if (last !== undefined && !last.whole) {
      const theirs = oracle.requests[requests.length - 1]
      if (theirs === undefined) return `the head of the last request is refused by llhttp: ${oracle.error}`
      const difference = differs(last, theirs)
      if (difference !== "") return `the last request: ${difference}`
    }
    if (isOver) return ""
    const wholes = last?.whole === false ? requests.length - 1 : requests.length
    if (oracle.wholes > wholes) return `request ${wholes} is whole for llhttp, and awaited by us`
    return oracle.error === "" ? "" : this.#refusesLater(bytes, wholes, oracle.error)
  }

  /** llhttp has refused what the subject still reads: then nothing may make a request of it. */
  #refusesLater(bytes: Buffer, wholes: number, error: string): string {
    const { subject } = this
    for (const completion of COMPLETIONS) {
      subject.start()
      subject.feed(Buffer.concat([bytes, Buffer.from(completion, "latin1")]))
      if (subject.wholes > wholes)
        return `with ${JSON.stringify(completion)}, request ${wholes} is refused by llhttp only: ${error}`
    }
    return ""
  }
}

/** How a request that we accepted is another one for llhttp, or "". */
export function differs(ours: SubjectRequest, theirs: ReadRequest): string {
  if (ours.method !== theirs.method) return `method ${ours.method}, llhttp ${theirs.method}`
  const target = originForm(theirs)
  if (ours.target !== target) return `target ${ours.target}, llhttp ${target}`
  if (ours.isHttp10 !== theirs.isHttp10) return "version"
  if (ours.keepsAlive && !theirs.keepsAlive) return "llhttp closes after it"
  const isAbsolute = !/^[/*]/.test(theirs.target)
  const isHostAdded = ours.hostLine !== undefined && (isAbsolute || hostOf(theirs) === "")
  const lines = (isHostAdded ? ours.hostLine : "") + passing(theirs, isAbsolute)
  if (ours.lines[0] !== lines)
    return `lines ${JSON.stringify(ours.lines[0])}, llhttp ${JSON.stringify(lines)}`
  const host = hostOf(theirs) || (ours.hostLine === undefined ? "" : "localhost")
  if (ours.authority !== host) return `host ${ours.authority}, llhttp ${host}`
  if (ours.unread === true) return ""
  if (ours.whole ? ours.body !== theirs.body : !theirs.body.startsWith(ours.body))
    return `body ${JSON.stringify(ours.body)}, llhttp ${JSON.stringify(theirs.body)}`
  if (ours.whole) {
    const trailers = trimmed(ours.trailers[0] ?? "")
    if (trailers !== passingTrailerLines(theirs.trailers))
      return `trailers ${JSON.stringify(trailers)}, llhttp ${JSON.stringify(theirs.trailers)}`
  }
  return ""
}

function originForm({ method, target }: ReadRequest): string {
  if (target.startsWith("/") || target === "*") return target
  const rest = target.replace(/^https?:\/\/[^/?]*/i, "")
  // RFC 9112 3.2.4: no path at all is the server as a whole.
  if (rest === "" && method === "OPTIONS") return "*"
  return rest.startsWith("/") ? rest : `/${rest}`
}

function hostOf({ target, lines }: ReadRequest): string {
  const absolute = /^https?:\/\/([^/?]*)/i.exec(target)
  if (absolute !== null) return absolute[1]!
  for (let i = 0; i < lines.length; i += 2) if (lines[i]!.toLowerCase() === "host") return lines[i + 1]!
  return ""
}

const NEVER_PASS =
  /^(?:connection|keep-alive|proxy-connection|upgrade|transfer-encoding|expect|te|forwarded|x[-_]real[-_]ip|x[-_]request[-_]id|x[-_]forwarded[-_].*)$/i
const ALWAYS_PASS = /^(?:host|content-length)$/i

/** The lines that an app gets of them, by the rules of RFC 9110 7.6.1 and DESIGN 4. */
function passing({ lines }: ReadRequest, hostReplaced: boolean): string {
  const nominated = new Set<string>()
  for (let i = 0; i < lines.length; i += 2)
    if (/^(?:proxy-)?connection$/i.test(lines[i]!))
      for (const name of lines[i + 1]!.split(","))
        nominated.add(name.replace(/^[ \t]+|[ \t]+$/g, "").toLowerCase())
  let passed = ""
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!
    const value = lines[i + 1]!
    if (NEVER_PASS.test(name) || (hostReplaced && /^host$/i.test(name))) continue
    if (nominated.size > 0 && !ALWAYS_PASS.test(name) && nominated.has(name.toLowerCase())) continue
    passed += `${name}: ${value}\r\n`
  }
  return passed
}

/** By RFC 9110 6.5.1: nothing of who the client is, of the connection, or of what was decided by the head. */
function passingTrailerLines(lines: readonly string[]): string {
  let all = ""
  for (let i = 0; i < lines.length; i += 2)
    if (!NEVER_PASS.test(lines[i]!) && !NEVER_IN_TRAILERS.test(lines[i]!))
      all += `${lines[i]}: ${lines[i + 1]}\r\n`
  return all
}

const NEVER_IN_TRAILERS = /^(?:authorization|proxy-authorization|cookie|set-cookie|trailer)$/i

function trimmed(block: string): string {
  return block.replace(/:[ \t]*([^\r]*?)[ \t]*\r\n/g, ": $1\r\n")
}
