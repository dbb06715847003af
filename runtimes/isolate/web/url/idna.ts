/**
 * Stands in for the library tr46 (`--alias:tr46=…` when the script of the isolate is bundled), whose tables would be two thirds
 * of the whole script: the cell does IDNA. whatwg-url asks for it only when a host name is not ASCII.
 */
import { webOps } from "../platform.ts"

/** Characters that stay what they are through IDNA and that no host may contain: the cell would take them for syntax. */
const FORBIDDEN = /[\u0000-\u0020#%/:<>?@[\\\]^|\u007f]/

export function toASCII(domain: string, { useSTD3ASCIIRules = false } = {}): string | null {
  // Given back as it is, whatwg-url refuses it.
  if (FORBIDDEN.test(domain)) return null
  const ascii = webOps().domainToASCII(domain, useSTD3ASCIIRules)
  return ascii === "" ? null : ascii
}
