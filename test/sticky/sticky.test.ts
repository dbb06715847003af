/** `sticky` of a manifest: which instance answers whom, and what happens when that one is full or gone. */
import { get } from "node:http"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, startHost, type TestApp, type TestHost } from "../support/harness.ts"

const who = (more: TestApp): TestApp => ({
  dir: join(import.meta.dirname, "apps/who"),
  instances: 2,
  ...more,
})

describe("a cookie", () => {
  it("brings a client back to its instance, and tells it nothing else", async () => {
    const host = await started({ who: who({ sticky: "cookie" }) })
    const first = await host.ask("/who/")
    const line = first.headers["set-cookie"]?.[0] ?? ""
    expect(line).toMatch(/^polyhost_instance=[\w-]{12}; Path=\/; HttpOnly; SameSite=Lax$/)
    const cookie = line.split(";", 1)[0] as string
    const others = new Set<string>()
    for (let n = 0; n < 6; n++) {
      const again = await host.ask("/who/", { headers: { cookie: `a=b; ${cookie}` } })
      expect(again.text).toBe(first.text)
      expect(again.headers["set-cookie"]).toBeUndefined()
      others.add((await host.ask("/who/")).text)
    }
    expect(line).not.toContain(first.text)
    expect(line).not.toContain("who")
  })

  it("that is made up, or whose instance has gone, is answered by another and renewed", async () => {
    const host = await started({ who: who({ sticky: "cookie" }) })
    const invented = await host.ask("/who/", { headers: { cookie: "polyhost_instance=AAAAAAAAAAAA" } })
    const cookie = (invented.headers["set-cookie"]?.[0] ?? "").split(";", 1)[0] as string
    expect(cookie).toMatch(/^polyhost_instance=AAAAAAAAAAAA\.[\w-]{12}$/)
    process.kill(Number(invented.text), "SIGKILL")
    await eventually(10_000, "another instance to answer", async () => {
      const answer = await host.ask("/who/", { headers: { cookie } })
      return (
        answer.status === 200 && answer.text !== invented.text && answer.headers["set-cookie"] !== undefined
      )
    })
  })

  it("serves two apps of one host: neither takes the other's away", async () => {
    const host = await started({ who: who({ sticky: "cookie" }), other: who({ sticky: "cookie" }) })
    let cookie = ""
    const ask = async (app: string): Promise<string> => {
      const answer = await host.ask(`/${app}/`, { headers: { cookie } })
      const [line] = answer.headers["set-cookie"] ?? []
      if (line !== undefined) cookie = line.split(";", 1)[0] as string
      return answer.text
    }
    const first = [await ask("who"), await ask("other")]
    for (let n = 0; n < 4; n++) expect([await ask("who"), await ask("other")]).toEqual(first)
  })

  it("makes a request wait for its full instance, and nobody behind it", async () => {
    const host = await started({ who: who({ sticky: "cookie", concurrency: 1 }) })
    const first = await host.ask("/who/")
    const headers = { cookie: (first.headers["set-cookie"]?.[0] ?? "").split(";", 1)[0] as string }
    const held = host.ask("/who/held", { headers })
    await eventually(5000, "the held request", () => busy(host) === 1)
    const mine = host.ask("/who/let-go", { headers })
    await eventually(5000, "the next to wait", () => host.app("who").queue.waiting === 1)
    const others = await Promise.all([host.ask("/who/"), host.ask("/who/")])
    for (const other of others) expect(other.text).not.toBe(first.text)
    expect(host.app("who").queue.waiting).toBe(1)
    // The instance that both wait for ends: the held one is cut, the waiting one is answered by another.
    process.kill(Number(first.text), "SIGKILL")
    expect((await held).status).toBe(502)
    const answer = await within(10_000, "the waiting request", mine)
    expect(answer.status).toBe(200)
    expect(answer.text).not.toBe(first.text)
  })
})

describe("the client's address", () => {
  it("decides which instance answers, always the same", async () => {
    const host = await started({ who: who({ sticky: "address" }) })
    const answered = new Set<string>()
    for (let n = 1; n <= 16; n++) {
      const pids = new Set<string>()
      for (let m = 0; m < 3; m++) pids.add(await askFrom(`127.0.0.${n}`, `${host.url}/who/`))
      expect(pids.size).toBe(1)
      for (const pid of pids) answered.add(pid)
    }
    expect(answered.size).toBe(2)
  })
})

async function started(apps: Record<string, TestApp>): Promise<TestHost> {
  const host = await startHost(apps)
  for (const name of Object.keys(apps))
    await host.state(
      name,
      ({ instances }) => instances.filter((it) => it.state === "ready").length === 2,
      START_MS,
    )
  return host
}

function busy(host: TestHost): number {
  return host.app("who").instances.reduce((sum, { inFlight }) => sum + inFlight, 0)
}

function askFrom(localAddress: string, url: string): Promise<string> {
  return within(
    10_000,
    "the answer",
    new Promise((resolve, reject) => {
      get(url, { localAddress, agent: false }, (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on("end", () => resolve(text))
      }).on("error", reject)
    }),
  )
}
