/** What the fetch standard does with lists of headers: sorting, the CORS safelist, MIME types. */

export type HeaderPair = readonly [name: string, value: string]

/** "Sort and combine": one pair a name, but each `set-cookie` for itself. */
export function sortedPairs(pairs: readonly HeaderPair[]): HeaderPair[] {
  const combined = new Map<string, string>()
  const sorted: HeaderPair[] = []
  for (const pair of pairs) {
    const [name, value] = pair
    if (name === "set-cookie") {
      sorted.push(pair)
      continue
    }
    const before = combined.get(name)
    combined.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  sorted.push(...combined)
  return sorted.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** Without tabs, line breaks and spaces at its ends. No regular expression: theirs take the square of a long run of spaces. */
export function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return end - start === text.length ? text : text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

const SAFE_TYPES = new Set(["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
// biome-ignore lint/suspicious/noControlCharactersInRegex: the standard names them
const UNSAFE_BYTES = /[\u0000-\u0008\u000a-\u001f"():<>?@[\\\]{}\u007f]/

/** A no-CORS-safelisted request header. */
export function isSafelisted(name: string, value: string): boolean {
  if (value.length > 128) return false
  if (name === "accept") return !UNSAFE_BYTES.test(value)
  if (name === "accept-language" || name === "content-language") return /^[0-9A-Za-z *,\-.;=]*$/.test(value)
  if (name !== "content-type" || UNSAFE_BYTES.test(value)) return false
  const type = parseMimeType(value)
  return type !== null && SAFE_TYPES.has(type.essence)
}

export interface MimeType {
  readonly essence: string
  readonly parameters: ReadonlyMap<string, string>
}

const MIME_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** "Parse a MIME type" of the MIME sniffing standard, or null. */
export function parseMimeType(input: string): MimeType | null {
  const text = trimmed(input)
  const end = text.indexOf(";")
  const essence = trimmed(end === -1 ? text : text.slice(0, end))
  const [type = "", subtype = "", more] = essence.split("/")
  if (more !== undefined || !MIME_TOKEN.test(type) || !MIME_TOKEN.test(subtype)) return null
  return { essence: essence.toLowerCase(), parameters: readParameters(end === -1 ? "" : text.slice(end + 1)) }
}

/** "Extract a MIME type" of the fetch standard: the last good one of all values, with the charset of its kind. */
export function extractMimeType(values: readonly string[]): MimeType | null {
  let found: MimeType | null = null
  let charset: string | undefined
  for (const value of splitList(values.join(", "))) {
    const type = parseMimeType(value)
    if (type === null || type.essence === "*/*") continue
    if (type.essence !== found?.essence) charset = type.parameters.get("charset")
    else if (!type.parameters.has("charset") && charset !== undefined) {
      found = { ...type, parameters: new Map([...type.parameters, ["charset", charset]]) }
      continue
    }
    found = type
  }
  return found
}

export function serializeMimeType({ essence, parameters }: MimeType): string {
  let text = essence
  for (const [name, value] of parameters) {
    const plain = MIME_TOKEN.test(value)
    text += `;${name}=${plain ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`
  }
  return text
}

/** Splits at commas that are not inside quotes. */
function splitList(text: string): string[] {
  return text.match(/(?:"(?:\\[\s\S]|[^"\\])*"?|[^,"])+/g) ?? []
}

function readParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    while (/[\t\n\r ]/.test(text.charAt(at))) at++
    const nameEnd = endOf(text, at, ";=")
    const name = text.slice(at, nameEnd).toLowerCase()
    at = nameEnd
    if (at >= text.length) break
    if (text[at] === ";") {
      at++
      continue
    }
    at++
    let value: string
    if (text[at] === '"') {
      ;[value, at] = readQuoted(text, at)
      at = endOf(text, at, ";")
    } else {
      const end = endOf(text, at, ";")
      value = trimmedEnd(text.slice(at, end))
      at = end
      if (value === "") {
        at++
        continue
      }
    }
    at++
    if (MIME_TOKEN.test(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value) && !parameters.has(name)) {
      parameters.set(name, value)
    }
  }
  return parameters
}

/** What stands before the value counts: `; charset= utf-8` has a space in it. */
function trimmedEnd(text: string): string {
  return trimmed(`.${text}`).slice(1)
}

function endOf(text: string, from: number, marks: string): number {
  let at = from
  while (at < text.length && !marks.includes(text.charAt(at))) at++
  return at
}

function readQuoted(text: string, quoteAt: number): [value: string, end: number] {
  let value = ""
  let at = quoteAt + 1
  while (at < text.length && text[at] !== '"') {
    if (text[at] === "\\" && at + 1 < text.length) at++
    value += text.charAt(at)
    at++
  }
  return [value, at + 1]
}
