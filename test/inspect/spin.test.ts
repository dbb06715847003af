import { join } from "node:path"
import { expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, type TestHost } from "../support/harness.ts"
import { appsOf, ISOLATE, type Kind, NEWEST_NODE, NODES, THREAD } from "./kinds.ts"
import { type Debugged, Debugger, debuggedHost, inspectUrl } from "./rig.ts"

const SPINNING = [...new Set([NODES[0] as Kind, NEWEST_NODE, THREAD])]

test("an app that spins is stopped by a debugger, shows where, and is not killed as wedged meanwhile", async () => {
  const timeouts = { wedge: "1500ms", request: "1500ms" }
  const unwatched = { dir: join(FIXTURES, "inspected"), entry: "server.mjs", timeouts }
  const debugged = await debuggedHost({ ...appsOf(SPINNING, { timeouts }), unwatched })
  const { host } = debugged
  const stopped: { name: string; client: Debugger; spinning: Promise<unknown> }[] = []
  for (const { name } of SPINNING) {
    const spinning = host.ask(`/${name}/spin`).catch(() => null)
    stopped.push({ name, client: await stopSpinning(debugged, name), spinning })
  }
  // One without a debugger that begins to spin later is replaced: so the others stood still, and their requests took, too long.
  expect((await host.ask("/unwatched/spin")).status).toBe(504)
  await host.state("unwatched", ({ instances }) => instances.some(({ id }) => id === "unwatched-2"))
  await Promise.all(
    stopped.map(async ({ name, client, spinning }) => {
      const { result } = await client.ask("Runtime.evaluate", { expression: "1+1" })
      expect(result.result.value, name).toBe(2)
      expect(logOf(host, name)).not.toMatch(/APP_WEDGED|REQUEST_TIMEOUT/)
      await client.detach()
      // Back under supervision: it spins on, and is replaced.
      await eventually(10_000, `the end of ${name}`, () => logOf(host, name).includes("APP_WEDGED"))
      const answer = await within(15_000, `the answer of the next ${name}`, host.ask(`/${name}/`))
      expect(answer.text).toBe("hello 42")
      await spinning
    }),
  )
})

test("an isolate that spins is stopped by a debugger, over its CPU limit, and is ended once that has left", async () => {
  const debugged = await debuggedHost({
    isolate: { ...ISOLATE.app, limits: { cpu: "300ms" } },
    unwatched: { ...ISOLATE.app, limits: { cpu: "600ms" } },
  })
  const { host } = debugged
  const client = await Debugger.attach(inspectUrl(debugged, "isolate"))
  await client.ask("Debugger.enable")
  const spinning = host.ask("/isolate/spin")
  await eventually(5000, "the spin", () => host.app("isolate").instances.some((it) => it.inFlight === 1))
  // One without a debugger that begins later, and may spin for longer, is ended meanwhile.
  expect((await host.ask("/unwatched/spin")).text).toContain("APP_CPU_LIMIT")
  await client.ask("Debugger.pause")
  const paused = await client.event("Debugger.paused")
  expect(paused.params.callFrames[0].functionName).toBe("spinForEver")
  expect(logOf(host, "isolate")).not.toContain("APP_CPU_LIMIT")
  await client.detach()
  expect((await within(10_000, "the end of the spin", spinning)).text).toContain("APP_CPU_LIMIT")
  expect((await host.ask("/isolate/")).text).toBe("hello 42")
})

/** Attaches a debugger to what spins already. */
async function stopSpinning(debugged: Debugged, name: string): Promise<Debugger> {
  const { host } = debugged
  await eventually(5000, "the spin", () => host.app(name).instances[0]?.inFlight === 1)
  const client = await Debugger.attach(inspectUrl(debugged, name))
  await client.ask("Debugger.enable")
  await client.ask("Debugger.pause")
  const paused = await client.event("Debugger.paused")
  expect(paused.params.callFrames[0].functionName, name).toBe("spinForEver")
  return client
}

function logOf(host: TestHost, app: string): string {
  const lines = host.log.split("\n").filter((line) => line.includes(`"app":"${app}"`))
  return lines.join("\n")
}
