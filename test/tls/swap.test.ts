/** Certificates whose files change while the host runs: what is shown then, what is said of files that are wrong, and that no handshake fails. */
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { Agent, get as httpsGet } from "node:https"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createHost } from "../../host/index.ts"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, TestHost } from "../support/harness.ts"
import { Authority, copyOver, type Issued } from "./certificates.ts"
import { handshake, shown } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const authority = new Authority()
/** The files that the host reads: in place, and by links as Kubernetes and certbot have them. */
const live = { cert: join(authority.dir, "live.pem"), key: join(authority.dir, "live.key") }
const volume = join(authority.dir, "volume")
const linked = { cert: join(volume, "tls.crt"), key: join(volume, "tls.key") }
const issued = new Map<string, Issued>()
let host: TestHost
let url: string

function certificate(name: string): Issued {
  const made = issued.get(name) ?? authority.issue({ names: [name, "swapped.test"] })
  issued.set(name, made)
  return made
}

/** Points `..data` elsewhere by a rename, as kubelet does. */
function pointAt(version: string, files: Issued): void {
  mkdirSync(join(volume, version))
  copyOver(files, { cert: join(volume, version, "tls.crt"), key: join(volume, version, "tls.key") })
  symlinkSync(version, join(volume, "..next"))
  renameSync(join(volume, "..next"), join(volume, "..data"))
}

async function isShown(name: string, servername = ""): Promise<void> {
  await eventually(10_000, `the certificate ${name}`, async () => {
    return (await shown(url, servername === "" ? {} : { servername })) === `${name} ec`
  })
}

beforeAll(async () => {
  copyOver(certificate("one"), live)
  mkdirSync(volume)
  pointAt("..1", authority.issue({ names: ["linked-one", "linked.test"] }))
  symlinkSync("..data/tls.crt", linked.cert)
  symlinkSync("..data/tls.key", linked.key)
  host = await TestHost.start(
    { app: APP },
    { listen: ["https://127.0.0.1:0"], config: { tls: { certificates: [live, linked] } } },
  )
  url = host.url
}, START_MS)

afterAll(async () => {
  await host.close()
  authority.remove()
})

describe("a new certificate is shown", () => {
  test("when its files are written over, one after the other, and the log says so", async () => {
    copyOver(certificate("two"), live)
    await isShown("two")
    await host.logged(/TLS: new certificate for two, swapped\.test, good until 20\d\d-/)
  })

  test("when they are renamed into place", async () => {
    const next = { cert: `${live.cert}.next`, key: `${live.key}.next` }
    copyOver(certificate("three"), next)
    renameSync(next.key, live.key)
    renameSync(next.cert, live.cert)
    await isShown("three")
  })

  test("when links are switched, as Kubernetes does", async () => {
    pointAt("..2", authority.issue({ names: ["linked-two", "linked.test"] }))
    await isShown("linked-two", "linked.test")
  })

  test("when a host is told to look, and the app is reloaded", async () => {
    copyOver(certificate("four"), live)
    await host.host.reload("app")
    expect(await shown(url)).toBe("four ec")
  })

  test("also to clients whose tickets are older, which go on without a new handshake", async () => {
    const before = await handshake(url, { maxVersion: "TLSv1.2", servername: "swapped.test" })
    const session = before.getSession() as Buffer
    before.destroy()
    copyOver(certificate("five"), live)
    await isShown("five")
    const after = await handshake(url, { session, maxVersion: "TLSv1.2", servername: "swapped.test" })
    expect(after.isSessionReused()).toBe(true)
    after.destroy()
  })
})

describe("files that cannot be used change nothing and are named", () => {
  test.each<[string, RegExp, () => void]>([
    ["a key of another certificate", /the key does not belong/, () => copyKey("six")],
    ["no PEM", /the certificate is not PEM/, () => writeFileSync(live.cert, "hello\n")],
    [
      "half a certificate",
      /does not parse/,
      () => writeFileSync(live.cert, readFileSync(live.cert, "utf8").slice(0, 300)),
    ],
    ["nothing", /the key is not PEM: it is empty/, () => writeFileSync(live.key, "")],
    ["no file", /ENOENT/, () => rmSync(live.cert)],
  ])("%s", async (_name, why, breakIt) => {
    copyOver(certificate("good"), live)
    await isShown("good")
    const seen = host.log.length
    breakIt()
    // Their folder tells of the first; the others are looked at when somebody asks.
    if (why.source.includes("belong") === false) await host.host.reload("app")
    await eventually(10_000, `${why} in the log`, () => why.test(host.log.slice(seen)))
    expect(host.log.slice(seen)).toContain("live.")
    expect(host.log.slice(seen)).toContain("What was in use stays in use.")
    expect(await shown(url)).toBe("good ec")
  })

  function copyKey(of: string): void {
    writeFileSync(live.key, readFileSync(certificate(of).key))
  }

  test("and good ones after them are shown again", async () => {
    copyOver(certificate("seven"), live)
    await isShown("seven")
  })
})

test("under load not one handshake or request fails, and connections stay", async () => {
  const kept = new Agent({ keepAlive: true, maxSockets: 4, rejectUnauthorized: false })
  const failures: string[] = []
  const sockets = new Set<unknown>()
  const counts = { fresh: 0, kept: 0 }
  let running = true
  const once = (agent: Agent | false) =>
    new Promise<void>((resolve) => {
      const asked = httpsGet(`${url}/hello`, { agent, rejectUnauthorized: false }, (response) => {
        if (agent !== false) sockets.add(response.socket)
        if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`)
        response.resume().once("end", resolve)
      })
      asked.once("error", (error) => {
        failures.push(error.message)
        resolve()
      })
    })
  const load = async (kind: "fresh" | "kept"): Promise<void> => {
    while (running) {
      await once(kind === "kept" ? kept : false)
      counts[kind]++
    }
  }
  const loads = [load("fresh"), load("fresh"), load("fresh"), load("kept"), load("kept")]
  for (let swap = 0; swap < 6; swap++) {
    const before = counts.fresh
    copyOver(certificate(`swap-${swap % 2}`), live)
    await isShown(`swap-${swap % 2}`)
    await eventually(10_000, "more handshakes", () => counts.fresh > before + 20)
  }
  running = false
  await within(10_000, "the end of the load", Promise.all(loads))
  kept.destroy()
  expect(failures).toEqual([])
  expect(counts.fresh).toBeGreaterThan(120)
  expect(sockets.size).toBeLessThanOrEqual(2)
})

describe("at start", () => {
  const start = async (tls: object, listen = ["https://127.0.0.1:0"]): Promise<string> => {
    let log = ""
    const config = { listen, apps: [{ name: "app", runtime: "node" as const, ...APP }], tls }
    const one = createHost(config, {
      log: (text) => {
        log += text
      },
    })
    try {
      await one.listen()
      return log
    } catch (error) {
      const { code, message } = error as Error & { code: string }
      return `${code}: ${message}`
    } finally {
      await one.close()
    }
  }

  test.each<[string, RegExp, (files: Issued) => void]>([
    [
      "a key that does not match",
      /CONFIG_INVALID: certificate .*bad\.pem with key .*bad\.key: the key does not belong/,
      (it) => copyOver({ ...it, key: certificate("seven").key }, it),
    ],
    [
      "a certificate that is no PEM",
      /CONFIG_INVALID: .*bad\.pem.*the certificate is not PEM: no BEGIN CERTIFICATE line/,
      (it) => writeFileSync(it.cert, "x"),
    ],
    [
      "a broken chain",
      /CONFIG_INVALID: .*bad\.pem.*cannot be used/,
      (it) => appendFileSync(it.cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ],
  ])("%s fails, and says which file", async (_name, message, breakIt) => {
    const bad = { cert: join(authority.dir, "bad.pem"), key: join(authority.dir, "bad.key") }
    copyOver(certificate("six"), bad)
    breakIt(bad)
    expect(await start({ certificates: [bad] })).toMatch(message)
  })

  test("one that is over is served, with a warning", async () => {
    const over = authority.issue({ names: ["over.test"], days: -1 })
    expect(await start({ certificates: [over] })).toMatch(/the certificate for over\.test has expired on 20/)
  })

  test("one that ends soon is warned of", async () => {
    const soon = authority.issue({ names: ["soon.test"], days: 10 })
    expect(await start({ certificates: [soon] })).toMatch(/the certificate for soon\.test expires on 20/)
  })

  test("https without a certificate is refused, with the way out", async () => {
    expect(await start({})).toMatch(/needs a certificate: "tls":/)
  })
})
