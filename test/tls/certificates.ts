/** Certificates for tests, made by openssl: an authority of one's own and what it signs. */
import { execFileSync } from "node:child_process"
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Issued {
  readonly cert: string
  readonly key: string
}

export interface Wanted {
  /** The first is the subject's too. */
  readonly names: readonly string[]
  readonly keyType?: "ec" | "rsa"
  /** From now; below zero: it is over. */
  readonly days?: number
}

/** A folder with an authority and its certificates; `remove` takes it away. */
export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), "pht-tls-"))
  readonly root: Issued
  #count = 0

  constructor(name = "Test Root") {
    this.root = this.#files("root")
    openssl([
      "req",
      "-x509",
      ...newKey("ec"),
      "-keyout",
      this.root.key,
      "-out",
      this.root.cert,
      "-days",
      "30",
      "-subj",
      `/CN=${name}`,
    ])
  }

  /** Root, PEM. */
  get ca(): string {
    return readFileSync(this.root.cert, "utf8")
  }

  /** Paths of a new certificate and its key. */
  issue({ names, keyType = "ec", days = 30 }: Wanted): Issued {
    const files = this.#files(`c${++this.#count}`)
    const request = join(this.dir, `c${this.#count}.csr`)
    const alternatives = names.map((name) => `${/^[\d.]+$/.test(name) ? "IP" : "DNS"}:${name}`).join(",")
    openssl([
      ...["req", "-new", ...newKey(keyType), "-keyout", files.key, "-out", request],
      ...["-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${alternatives}`],
    ])
    openssl([
      ...[
        "x509",
        "-req",
        "-in",
        request,
        "-out",
        files.cert,
        "-days",
        String(days),
        "-copy_extensions",
        "copy",
      ],
      ...["-CA", this.root.cert, "-CAkey", this.root.key, "-set_serial", String(Date.now() + this.#count)],
    ])
    return files
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  #files(name: string): Issued {
    return { cert: join(this.dir, `${name}.pem`), key: join(this.dir, `${name}.key`) }
  }
}

/** Overwrites the files of `to`, one after the other. */
export function copyOver(from: Issued, to: Issued): void {
  copyFileSync(from.cert, to.cert)
  copyFileSync(from.key, to.key)
}

function newKey(type: "ec" | "rsa"): string[] {
  const kind = type === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"]
  return ["-newkey", ...kind, "-nodes"]
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"], timeout: 20_000 })
}
