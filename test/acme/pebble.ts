/** Let's Encrypt's own test server, where it is: `apt-get install pebble`. Each run has its own roots, ports and folder. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:https"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { eventually, within } from "../support/deadline.ts"
import { startDnsServer } from "./dns-server.ts"
import { TestPki } from "./test-authority-pki.ts"

export const PEBBLE = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((dir) => join(dir, "pebble"))
  .find((file) => existsSync(file))

export interface Pebble {
  readonly directory: string
  /** Root of its own https, PEM. */
  readonly webRoot: string
  /** Root of the certificates that it gives. */
  readonly root: string
  /** Where it looks for proofs. */
  readonly ports: { readonly http: number; readonly tls: number }
  close(): Promise<void>
}

export async function startPebble(externalAccounts: Record<string, string> = {}): Promise<Pebble> {
  const dir = mkdtempSync(join(tmpdir(), "pht-pebble-"))
  const [dns, web] = await Promise.all([startDnsServer(), TestPki.create("Pebble's Web")])
  const { cert, key } = await web.pair(["localhost", "127.0.0.1"])
  const [port = 0, control = 0, http = 0, tls = 0] = await freePorts(4)
  const files = { certificate: join(dir, "cert.pem"), privateKey: join(dir, "key.pem") }
  writeFileSync(files.certificate, cert)
  writeFileSync(files.privateKey, key)
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${control}`,
    ...files,
    httpPort: http,
    tlsPort: tls,
    ocspResponderURL: "",
    externalAccountBindingRequired: Object.keys(externalAccounts).length > 0,
    externalAccountMACKeys: externalAccounts,
  }
  writeFileSync(join(dir, "config.json"), JSON.stringify({ pebble }))
  // A fifth of all good nonces are refused, and half of what was proven need not be proven again.
  const env = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20", PEBBLE_AUTHZREUSE: "50" }
  const args = ["-config", join(dir, "config.json"), "-dnsserver", dns.address]
  const child = spawn(PEBBLE ?? "pebble", args, { env, stdio: ["ignore", "pipe", "pipe"] })
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      await ended
    }
    await dns.close()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await within(10_000, "pebble's start", listening(child))
    // It says so a moment before it is so.
    const fetchWhenThere = (url: string): Promise<string> =>
      eventually(5000, url, () => fetchText(url, web.rootPem).catch(() => ""))
    const root = await fetchWhenThere(`https://127.0.0.1:${control}/roots/0`)
    await fetchWhenThere(`https://localhost:${port}/dir`)
    return {
      directory: `https://localhost:${port}/dir`,
      webRoot: web.rootPem,
      root,
      ports: { http, tls },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ""
    const read = (chunk: Buffer): void => {
      text += chunk
      if (text.includes("ACME directory available")) resolve()
    }
    child.stdout?.on("data", read)
    child.stderr?.on("data", read)
    child.on("error", reject)
    child.on("exit", () => reject(new Error(`pebble ended: ${text}`)))
  })
}

/** Free a moment ago: pebble takes no port 0 for where it validates. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map((it) => new Promise<void>((done) => it.listen(0, "127.0.0.1", done))))
  const ports = servers.map((it) => (it.address() as { port: number }).port)
  await Promise.all(servers.map((it) => new Promise((done) => it.close(done))))
  return ports
}

function fetchText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, async (answer) => {
      let text = ""
      for await (const chunk of answer) text += chunk
      resolve(text)
    }).on("error", reject)
  })
}
