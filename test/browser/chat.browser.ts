import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { expect, onTestFinished, test } from "vitest"
import { createHost, type Host, type HostConfigInput } from "../../host/index.ts"
import { useBrowser } from "./browser.ts"

const browser = useBrowser()
const EXAMPLES = resolve(import.meta.dirname, "../../examples")
const CHAT = {
  dir: join(EXAMPLES, "chat"),
  instances: { min: 0 },
  static: [{ path: "/*", dir: "public" }],
}

async function serve(config: HostConfigInput): Promise<{ host: Host; urls: readonly string[] }> {
  const dir = await mkdtemp(join(tmpdir(), "phb-"))
  let log = ""
  const host = createHost(config, {
    cwd: dir,
    log: (text) => {
      log += text
    },
  })
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(log)
    await host.close()
    await rm(dir, { recursive: true, force: true })
  })
  return { host, urls: await host.listen() }
}

/** Files of a certificate for localhost. */
async function certificate(): Promise<{ cert: string; key: string }> {
  const dir = await mkdtemp(join(tmpdir(), "phb-"))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const [cert, key] = [join(dir, "site.pem"), join(dir, "site.key")]
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
  await promisify(execFile)("openssl", [
    ...options.split(" "),
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
  ])
  return { cert, key }
}

test("two people chat over https and wss, and come back after a reload of the app", async () => {
  const { host, urls } = await serve({
    listen: ["https://127.0.0.1:0"],
    tls: { certificates: [await certificate()] },
    apps: [{ name: "chat", runtime: "isolate", routes: ["/*"], ...CHAT }],
  })
  const [ann, bob] = [await browser.page(), await browser.page()]
  await ann.goto(`${urls[0]}/?name=ann`)
  const protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol"
  expect(await ann.evaluate(protocol)).toBe("h2")
  await ann.getByText("welcome, ann").waitFor()
  await bob.goto(`${urls[0]}/?name=bob`)
  await ann.getByText("bob came in").waitFor()
  await bob.getByPlaceholder("Say something").fill("<b>hello</b>, ann 🙂")
  await bob.getByRole("button").click()
  await ann.getByText("bob: <b>hello</b>, ann 🙂").waitFor()

  await host.reload("chat")
  await ann.getByText("welcome, ann").nth(1).waitFor()
  await bob.getByText("welcome, bob").nth(1).waitFor()
  await bob.getByPlaceholder("Say something").fill("back again")
  await bob.getByRole("button").click()
  await ann.getByText("bob: back again").waitFor()
  const shot = process.env["SCREENSHOT_DIR"]
  if (shot !== undefined) await ann.screenshot({ path: join(shot, "chat.png") })
})

test("a page that closes is noticed by the other one", async () => {
  const { urls } = await serve({
    listen: ["127.0.0.1:0"],
    apps: [{ name: "chat", runtime: { name: "node", path: process.execPath }, routes: ["/*"], ...CHAT }],
  })
  const [ann, bob] = [await browser.page(), await browser.page()]
  await ann.goto(`${urls[0]}/?name=ann`)
  await ann.getByText("welcome, ann").waitFor()
  await bob.goto(`${urls[0]}/?name=bob`)
  await ann.getByText("bob came in").waitFor()
  await bob.close()
  await ann.getByText("bob left").waitFor()
})
