/** TlsSettings and HTTP/2 settings of a host config: what it gives, over the defaults; and whether the files are there. */
import { resolve } from "node:path"
import { DEFAULT_HTTP2_SETTINGS, type Http2Settings } from "../listener/http-settings.ts"
import type { TlsSettings } from "../listener/tls/tls-settings.ts"
import { type Document, problemAt } from "./document.ts"
import type { FileView } from "./files.ts"
import { parseListen } from "./listen.ts"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"
import type { HostConfigInput } from "./schema.ts"
import { parseAge } from "./units.ts"
import { valueAt } from "./validate.ts"

type TlsInput = NonNullable<HostConfigInput["tls"]>

export function tlsSettingsOf(given: TlsInput | undefined, root: string): TlsSettings | null {
  if (given === undefined) return null
  const { certificates = [], acme, clientAuth } = given
  return {
    certificates: certificates.map(({ cert, key }) => ({
      certFile: resolve(root, cert),
      keyFile: resolve(root, key),
    })),
    acme:
      acme === undefined
        ? null
        : {
            hosts: [...new Set(acme.hosts.map((host) => host.toLowerCase()))],
            email: acme.email ?? null,
            directory: acme.directory ?? null,
            challenges: acme.challenges ?? ["tls-alpn-01", "http-01"],
            caFile: acme.ca === undefined ? null : resolve(root, acme.ca),
            externalAccount: acme.externalAccount ?? null,
          },
    minVersion: given.minVersion ?? "TLSv1.2",
    clientAuth:
      clientAuth === undefined
        ? null
        : { caFile: resolve(root, clientAuth.ca), required: clientAuth.required ?? true },
    hsts: hstsOf(given.hsts ?? "off"),
    redirect: given.redirect ?? false,
  }
}

export function http2SettingsOf(given: HostConfigInput["http2"]): Http2Settings {
  if (given === undefined || typeof given === "boolean")
    return { ...DEFAULT_HTTP2_SETTINGS, enabled: given ?? true }
  return {
    enabled: true,
    cleartext: given.cleartext ?? DEFAULT_HTTP2_SETTINGS.cleartext,
    streams: given.streams ?? DEFAULT_HTTP2_SETTINGS.streams,
  }
}

/** Files that are not there; addresses with TLS and nothing to show clients on them. */
export async function tlsProblems(
  document: Document,
  given: Partial<HostConfigInput>,
  { root, files }: { root: string; files: FileView },
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  const { tls } = given
  for (const { path, text } of filesOf(tls)) {
    const file = resolve(root, text)
    if ((await files.kind(file)) === "file") continue
    problems.push(
      problemAt(document, ["tls", ...path], `"${formatPath(["tls", ...path])}": there is no file ${file}`),
    )
  }
  // One that is wrong has its own problem.
  const isWrong = tls === undefined && valueAt(document.value, ["tls"]) !== undefined
  const isEmpty = !isWrong && (tls?.certificates ?? []).length === 0 && tls?.acme === undefined
  for (const [index, text] of (given.listen ?? []).entries()) {
    const address = parseListen(text)
    if (isEmpty && "tls" in address)
      problems.push(problemAt(document, ["listen", index], `"${text}" ${NEEDS_CERTIFICATE}`))
  }
  return problems
}

export const NEEDS_CERTIFICATE =
  'needs a certificate: "tls": {"certificates": [{"cert": "site.pem", "key": "site.key"}]} or "tls": {"acme": …}'

function filesOf(tls: TlsInput | undefined): { path: PathSegment[]; text: string }[] {
  const found: { path: PathSegment[]; text: string }[] = []
  for (const [index, { cert, key }] of (tls?.certificates ?? []).entries()) {
    found.push({ path: ["certificates", index, "cert"], text: cert })
    found.push({ path: ["certificates", index, "key"], text: key })
  }
  if (tls?.clientAuth !== undefined) found.push({ path: ["clientAuth", "ca"], text: tls.clientAuth.ca })
  if (tls?.acme?.ca !== undefined) found.push({ path: ["acme", "ca"], text: tls.acme.ca })
  return found
}

function hstsOf(given: NonNullable<TlsInput["hsts"]>): string {
  const {
    maxAge,
    includeSubDomains = false,
    preload = false,
  } = typeof given === "string" ? { maxAge: given } : given
  const seconds = parseAge(maxAge)
  if (seconds === null || seconds === Number.POSITIVE_INFINITY) return ""
  return `max-age=${seconds}${includeSubDomains ? "; includeSubDomains" : ""}${preload ? "; preload" : ""}`
}
