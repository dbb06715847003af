/** The examples do what their READMEs show, and what `npm start` promises. */
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startHost } from "../support/harness.ts"
import { outputPattern, shownCommands } from "./readme-commands.ts"
import { EXAMPLES, SERVE_MS, ServedExamples } from "./served-examples.ts"

describe("the examples", () => {
  let served: ServedExamples

  beforeAll(async () => {
    served = await ServedExamples.start()
  }, SERVE_MS)

  afterAll(async () => {
    expect(await served.stop()).toBe(0)
  })

  it("serve at least seven apps, each with an exact version, and none fails", () => {
    const running = served.output.match(/^\S+ +\S+( \d+\.\d+\.\d+)? +http:\S+ +running$/gm) ?? []
    expect(running.length, served.output).toBeGreaterThanOrEqual(7)
    expect(served.output).not.toMatch(/ (failed|backoff|degraded)$/m)
  })

  it.each(shownCommands(EXAMPLES))("$example: $command", async ({ command, output }) => {
    const outcome = await served.run(command)
    expect(outcome.code, outcome.stderr).toBe(0)
    expect(outcome.stdout.trimEnd()).toMatch(outputPattern(output.trimEnd()))
  })

  it("home links to apps that answer", async () => {
    const page = await (await fetch(served.url)).text()
    const links = [...page.matchAll(/<a class="name" href="([^"]+)"/g)].map((match) => match[1] ?? "")
    expect(links.length).toBeGreaterThanOrEqual(7)
    for (const link of links) expect((await fetch(new URL(link, served.url))).status, link).toBe(200)
  })

  it("home shows exact versions of all apps that run", async () => {
    const page = await (await fetch(served.url)).text()
    for (const version of [/Node\.js<\/b> 18\.\d+\.\d+/, /Bun<\/b> 1\.3\.\d+/, /Deno<\/b> 2\.\d+\.\d+/]) {
      expect(page).toMatch(version)
    }
  })
})

describe("home", () => {
  it("says so when the admin socket does not answer", async () => {
    const env = { POLYHOST_ADMIN_SOCKET: "./no-such.sock" }
    const host = await startHost({ home: { dir: join(EXAMPLES, "home"), routes: ["/"], env } })
    const page = await (await fetch(`${host.url}/`)).text()
    expect(page).toContain("The host's admin socket does not answer")
    expect(page).toContain("ENOENT")
  })
})
