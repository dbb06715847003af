/** The short form of a runtime in a manifest: `node`, `node@22`, `bun@^1.3`. */
import { RUNTIME_NAMES, type RuntimeName } from "../../runtimes/app-spec.ts"
import { AVAILABLE_RUNTIMES, CONVENTIONS } from "./conventions.ts"
import { suggest } from "./suggest.ts"
import { parseVersion, VERSION_FORM } from "./versions.ts"

export interface RuntimeText {
  readonly name: RuntimeName
  /** As in RuntimeRequest: a range, `lts`, `latest`, or "" for any. */
  readonly version: string
}

export function parseRuntimeText(text: string): RuntimeText | { readonly problem: string } {
  const at = text.indexOf("@")
  const word = at === -1 ? text : text.slice(0, at)
  const wanted = at === -1 ? "" : text.slice(at + 1)
  const name = RUNTIME_NAMES.find((one) => one === word)
  if (name === undefined) {
    const nearest = suggest(word, RUNTIME_NAMES)
    const hint = nearest === null ? "" : `. Did you mean "${nearest}${at === -1 ? "" : text.slice(at)}"?`
    return { problem: `no runtime has this name (available: ${AVAILABLE_RUNTIMES.join(", ")})${hint}` }
  }
  if (at !== -1 && !CONVENTIONS[name].hasVersions)
    return { problem: `runtime "${name}" has no versions; write "${name}"` }
  if (at !== -1 && wanted.trim() === "") return { problem: `after "@" comes ${VERSION_FORM}` }
  const version = parseVersion(wanted)
  if (version === null) return { problem: `"${wanted}" is no version or range; expected ${VERSION_FORM}` }
  return { name, version }
}
