/**
 * What ACME keeps in the state directory: the account's key, and a certificate with its key for each host. Whatever ends this
 * process, and whoever else uses the folder, a reader finds a pair that belongs together or none: the pair lies in a folder of its
 * own that is never changed, and a link, replaced in one step, leads to it.
 *
 *     STATE_DIR/acme/AUTHORITY/account.pem              0600, folders 0700
 *     STATE_DIR/acme/AUTHORITY/hosts/NAME               → .NAME.16-hex-digits
 *     STATE_DIR/acme/AUTHORITY/hosts/NAME/cert.pem      the chain
 *     STATE_DIR/acme/AUTHORITY/hosts/NAME/key.pem       0600
 */
import { createHash, randomBytes } from "node:crypto"
import { link, lstat, mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"

export interface CertificatePair {
  /** Certificate and those between it and its root, PEM. */
  readonly cert: string
  readonly key: string
}

/** What a process that was killed left behind is swept away after this time. */
const LEFT_BEHIND_MS = 3_600_000

export class AcmeState {
  readonly dir: string
  readonly #hostsDir: string

  constructor(stateDir: string, directoryUrl: string) {
    this.dir = join(stateDir, "acme", authorityName(directoryUrl))
    this.#hostsDir = join(this.dir, "hosts")
  }

  /** The account's key; of two processes that make one at the same time, both get the same. */
  async accountKey(make: () => Promise<string>): Promise<string> {
    const file = join(this.dir, "account.pem")
    const there = await readIfThere(file)
    if (there !== null) return there
    await this.#makeFolders()
    const temporary = `${file}.${suffix()}`
    await writeDurably(temporary, await make(), 0o600)
    try {
      // A link is made or fails where there is one; a rename would replace what the other process already uses.
      await link(temporary, file)
      await syncFolder(this.dir)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    } finally {
      await rm(temporary, { force: true })
    }
    return readFile(file, "utf8")
  }

  async read(host: string): Promise<CertificatePair | null> {
    const entry = this.#entry(host)
    // Another process may replace the link and sweep the folder between these steps: then there is a newer one.
    for (let tries = 0; tries < 3; tries++) {
      const folder = await folderOf(entry)
      if (folder === null) return null
      const [cert, key] = await Promise.all([
        readIfThere(join(folder, "cert.pem")),
        readIfThere(join(folder, "key.pem")),
      ])
      if (cert !== null && key !== null) return { cert, key }
    }
    return null
  }

  async write(host: string, { cert, key }: CertificatePair): Promise<void> {
    const entry = this.#entry(host)
    await this.#makeFolders()
    const old = await folderOf(entry)
    const folder = join(this.#hostsDir, `.${host}.${suffix()}`)
    await mkdir(folder, { mode: 0o700 })
    await writeDurably(join(folder, "key.pem"), key, 0o600)
    await writeDurably(join(folder, "cert.pem"), cert, 0o644)
    await syncFolder(folder)
    const newLink = `${folder}.link`
    await symlink(basename(folder), newLink)
    await replace(newLink, entry)
    await syncFolder(this.#hostsDir)
    if (old !== null && old !== entry) await rm(old, { recursive: true, force: true })
  }

  /** Takes away what killed processes left, once it is so old that no living one can be at it. */
  async sweep(): Promise<void> {
    for (const dir of [this.dir, this.#hostsDir]) {
      const names = await readdir(dir).catch(() => [])
      const linked = new Set<string>()
      for (const name of names) linked.add(await readlink(join(dir, name)).catch(() => ""))
      const left = names.filter((name) => LEFT_BEHIND.test(name) && !linked.has(name))
      for (const name of left) {
        const path = join(dir, name)
        const { mtimeMs } = await lstat(path)
        if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true })
      }
    }
  }

  #entry(host: string): string {
    // Host names come from the configuration, which has checked them. A path made of one must not depend on that.
    if (!/^[a-z0-9_][a-z0-9._-]*$/.test(host)) throw new Error(`no host name: ${JSON.stringify(host)}`)
    return join(this.#hostsDir, host)
  }

  async #makeFolders(): Promise<void> {
    await mkdir(this.#hostsDir, { recursive: true, mode: 0o700 })
  }
}

const LEFT_BEHIND = /^(?:account\.pem|\..+)\.[0-9a-f]{16}(?:\.link)?$/

/** For people, with what tells two directories of one server apart. */
function authorityName(directoryUrl: string): string {
  const url = new URL(directoryUrl)
  const hash = createHash("sha256").update(url.href).digest("hex").slice(0, 8)
  return `${url.host.replace(/[^a-z0-9.-]/g, "_")}-${hash}`
}

function suffix(): string {
  return randomBytes(8).toString("hex")
}

/** The folder that a host's entry leads to; itself, where somebody copied the tree without its links. */
async function folderOf(entry: string): Promise<string | null> {
  try {
    return join(dirname(entry), basename(await readlink(entry)))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return null
    if (code === "EINVAL") return entry
    throw error
  }
}

async function replace(newLink: string, entry: string): Promise<void> {
  try {
    await rename(newLink, entry)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "EISDIR" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error
    // A real folder, from a copy: what it holds is older than what comes.
    await rm(entry, { recursive: true, force: true })
    await rename(newLink, entry)
  }
}

async function writeDurably(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, "wx", mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw error
  }
}
