/** The tree of files that the static targets serve, and the certificate of the TLS ones: made for one run. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const FILE_BYTES = { "1k.txt": 1024, "100k.txt": 102_400, "10m.txt": 10_485_760 } as const
export type FileName = keyof typeof FILE_BYTES

export function fileText(name: FileName): string {
  return "Files that never wake an app.\n".repeat(FILE_BYTES[name] / 30 + 1).slice(0, FILE_BYTES[name])
}

/** Path of the folder. */
export function makeFiles(dir: string): string {
  const folder = join(dir, "public")
  if (existsSync(folder)) return folder
  // nginx's worker is another user where the benchmark runs as root.
  mkdirSync(folder, { mode: 0o755 })
  for (const name of Object.keys(FILE_BYTES) as FileName[]) writeFileSync(join(folder, name), fileText(name))
  return folder
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Paths of a certificate that signs itself. ECDSA on P-256, as authorities give today. */
export function makeCertificate(dir: string): Certificate {
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")]
  if (existsSync(cert)) return { cert, key }
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
  const rest = ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names]
  execFileSync("openssl", ["req", "-x509", ...curve, ...rest, "-keyout", key, "-out", cert], {
    stdio: "ignore",
  })
  return { cert, key }
}
