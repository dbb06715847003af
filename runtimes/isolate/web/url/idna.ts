/**
 * Stands in for the library tr46 (`--alias:tr46=…` when the script of the isolate is bundled), whose tables would be two thirds
 * of the whole script: the cell does IDNA. whatwg-url asks for it only when a host name is not ASCII.
 */
import { webOps } from "../platform.ts"

/** What the cell's host parser would take for syntax or leave out. IDNA leaves these as they are, and no host may have one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a parser drops some of them
const SYNTAX = /[\u0000-\u001f#%/:?@[\\\]\u007f]/

export function toASCII(domain: string, { useSTD3ASCIIRules = false } = {}): string | null {
  // Given back as it is, whatwg-url refuses it.
  if (SYNTAX.test(domain)) return null
  const ascii = webOps().domainToASCII(domain, useSTD3ASCIIRules)
  return ascii === "" ? null : ascii
}
