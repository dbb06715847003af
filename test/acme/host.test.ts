/** Certificates by ACME through a whole host, from its config alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { expect, onTestFinished, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { startHost } from "../support/harness.ts"
import { PEBBLE, startPebble } from "./pebble.ts"

test.skipIf(PEBBLE === undefined).each(["tls-alpn-01", "http-01"] as const)(
  "a host gets its certificate by %s and serves with it",
  async (challenge) => {
    const pebble = await startPebble()
    onTestFinished(() => pebble.close())
    const name = `host.${challenge}.example.com`
    const dir = mkdtempSync(join(tmpdir(), "pht-acme-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const ca = join(dir, "root.pem")
    writeFileSync(ca, pebble.webRoot)
    const host = await startHost(
      { echo: { routes: ["/*"] } },
      {
        listen: [`127.0.0.1:${pebble.ports.http}`, `https://127.0.0.1:${pebble.ports.tls}`],
        config: {
          tls: {
            redirect: true,
            acme: {
              hosts: [name],
              agreeToTerms: true,
              directory: pebble.directory,
              ca,
              challenges: [challenge],
            },
          },
        },
      },
    )
    await eventually(20_000, "a certificate", () => subjectOf(pebble.ports.tls, name))
    expect(host.host.status().host.certificates).toMatchObject([{ names: [name] }])
  },
)

/** Names in the certificate that is served for `servername`, or "" while there is none. */
function subjectOf(port: number, servername: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? "")
      socket.destroy()
    })
    socket.on("error", () => resolve(""))
  })
}
