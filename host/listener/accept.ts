/**
 * What a client asks for by its Accept header (RFC 9110 12.5.1), as far as error answers need it: a page, or JSON.
 * Work is bounded, whatever the value holds; what is not a media range with a valid weight counts for nothing.
 */

/** True when HTML is named and wanted at least as much as JSON. A wildcard names nothing: it is what curl and fetch send. */
export function prefersHtml(accept: string): boolean {
  const wanted = readAccept(accept)
  return wanted.html > 0 && wanted.html >= wanted.json
}

/** True when JSON is named and HTML is not: a program, for which a page would be noise. */
export function namesJson(accept: string): boolean {
  const wanted = readAccept(accept)
  return wanted.isJsonNamed && wanted.html === 0
}

interface Wanted {
  /** Weight of HTML, 0 when it is not named. */
  readonly html: number
  /** Weight of JSON, by name or else by the narrowest wildcard. */
  readonly json: number
  readonly isJsonNamed: boolean
}

/** No client says more; whoever does is not read to the end. */
const MAX_CHARACTERS = 4096

const HTML_TYPES: readonly string[] = ["text/html", "application/xhtml+xml", "text/*"]
const JSON_TYPES: readonly string[] = ["application/problem+json", "application/json"]
const WILDCARDS: readonly string[] = ["application/*", "*/*"]
const KNOWN: ReadonlySet<string> = new Set([...HTML_TYPES, ...JSON_TYPES, ...WILDCARDS])

function readAccept(accept: string): Wanted {
  const weights = new Map<string, number>()
  for (const element of split(accept.slice(0, MAX_CHARACTERS), ",")) {
    const [range = "", ...parameters] = split(element, ";")
    const type = range.trim().toLowerCase()
    if (KNOWN.has(type)) weights.set(type, Math.max(weights.get(type) ?? 0, weightOf(parameters)))
  }
  const any = weights.get("application/*") ?? weights.get("*/*") ?? 0
  return {
    html: Math.max(...HTML_TYPES.map((type) => weights.get(type) ?? 0)),
    json: Math.max(...JSON_TYPES.map((type) => weights.get(type) ?? any)),
    isJsonNamed: JSON_TYPES.some((type) => (weights.get(type) ?? 0) > 0),
  }
}

/** Parts of a list, with separators inside quoted strings left alone. */
function split(text: string, separator: "," | ";"): readonly string[] {
  if (!text.includes('"')) return text.split(separator)
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const one = text[index]
    if (one === '"') isQuoted = !isQuoted
    else if (one === "\\" && isQuoted) index++
    else if (one === separator && !isQuoted) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** The parameter `q`; 1 without one, 0 when it is not valid. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const text = parameter.trim()
    if (!/^q=/i.test(text)) continue
    return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text.slice(2)) ? Number(text.slice(2)) : 0
  }
  return 1
}
