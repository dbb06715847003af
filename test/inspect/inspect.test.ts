import { join } from "node:path"
import { describe, expect, inject, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, type TestApp } from "../support/harness.ts"
import { Debugger, debuggedHost, inspectUrl, post } from "./rig.ts"

const KINDS = inject("runtimes")
const NODES = KINDS.filter(({ name }) => name === "node").map(({ name, version }) => `${name}@${version}`)
const DENOS = KINDS.filter(({ name }) => name === "deno").map(({ name, version }) => `${name}@${version}`)
const BUNS = KINDS.filter(({ name }) => name === "bun").map(({ name, version }) => `${name}@${version}`)
const THIS_THREAD = { name: "thread" } as const
const V8_KINDS: [string, TestApp["runtime"]][] = [
  ...NODES.map((name): [string, TestApp["runtime"]] => [name, name]),
  ...DENOS.map((name): [string, TestApp["runtime"]] => [name, name]),
  ["thread", THIS_THREAD],
]
const NEWEST_NODE = NODES.at(-1) as string

describe.each(V8_KINDS)("inspecting an app on %s", (_name, runtime) => {
  test("evaluates, stops at a breakpoint in a handler, and lets the request finish", async () => {
    const debugged = await debuggedHost({ inspected: { runtime, entry: "server.mjs" } })
    const { host } = debugged
    expect((await host.ask("/inspected/")).text).toBe("hello 42")
    const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
    const evaluated = await client.ask("Runtime.evaluate", { expression: "6*7" })
    expect(evaluated.result.result.value).toBe(42)
    await client.ask("Debugger.enable")
    const set = await client.ask("Debugger.setBreakpointByUrl", {
      urlRegex: ".*/server\\.mjs$",
      lineNumber: 12,
    })
    expect(set.result.locations).toHaveLength(1)
    const answer = host.ask("/inspected/")
    const paused = await client.event("Debugger.paused")
    expect(paused.params.callFrames[0].functionName).toBe("handleHello")
    await client.ask("Debugger.resume")
    expect((await answer).text).toBe("hello 42")
    await client.detach()
    await host.logged(/the debugger has left/)
    expect((await host.ask("/inspected/")).text).toBe("hello 42")
    expect(host.log).not.toMatch(/Debugger listening|Debugger attached|nodejs\.org/)
  })
})

test("of many threads in a cell the debugger gets the one that it asked for, also after another was replaced", async () => {
  const names = ["ada", "bob", "cyd", "dan"]
  const app = (name: string): TestApp => ({
    dir: join(FIXTURES, "inspected"),
    runtime: THIS_THREAD,
    entry: "server.mjs",
    cell: "shared",
    env: { WHO: name },
    timeouts: { wedge: "1s" },
  })
  const debugged = await debuggedHost(Object.fromEntries(names.map((name) => [name, app(name)])))
  const { host } = debugged
  const whoIsAt = async (name: string): Promise<unknown> => {
    const client = await Debugger.attach(inspectUrl(debugged, name))
    const { result } = await client.ask("Runtime.evaluate", { expression: "process.env.WHO" })
    await client.detach()
    return result.result.value
  }
  const everyone = async (): Promise<unknown[]> => {
    const found: unknown[] = []
    for (const name of names) found.push(await whoIsAt(name))
    return found
  }
  expect(await everyone()).toEqual(names)
  expect((await host.ask("/ada/spin")).status).toBe(504)
  await eventually(5000, "the next ada", async () => (await host.ask("/ada/")).status === 200)
  expect(host.pidOf("ada")).toBe(host.pidOf("bob"))
  expect(await everyone()).toEqual(names)
})

describe.each([NODES[0] as string, NEWEST_NODE, "thread"])("an app on %s that spins", (runtime) => {
  test("is stopped by a debugger, shows where, and is not killed as wedged meanwhile", async () => {
    const debugged = await debuggedHost({
      inspected: {
        runtime: runtime === "thread" ? THIS_THREAD : runtime,
        entry: "server.mjs",
        timeouts: { wedge: "2s", request: "2s" },
      },
    })
    const { host } = debugged
    await host.ask("/inspected/")
    const spinning = host.ask("/inspected/spin").catch(() => null)
    await eventually(5000, "the spin", () => host.app("inspected").instances[0]?.inFlight === 1)
    const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
    await client.ask("Debugger.enable")
    await client.ask("Debugger.pause")
    const paused = await client.event("Debugger.paused")
    expect(paused.params.callFrames[0].functionName).toBe("spinForEver")
    // Longer than it may stand still, and than the request may take.
    await new Promise((resolve) => setTimeout(resolve, 3500))
    expect((await client.ask("Runtime.evaluate", { expression: "1+1" })).result.result.value).toBe(2)
    expect(host.log).not.toMatch(/APP_WEDGED|REQUEST_TIMEOUT/)
    await client.detach()
    // Back under supervision: it spins on, and is replaced.
    await host.logged(/APP_WEDGED/)
    expect((await within(15_000, "the answer of the replacement", host.ask("/inspected/"))).text).toBe(
      "hello 42",
    )
    await spinning
  })
})

const ALL_KINDS: typeof V8_KINDS = [
  ...V8_KINDS,
  ...BUNS.map((name): [string, TestApp["runtime"]] => [name, name]),
]

describe.each(ALL_KINDS)("capturing an app on %s", (_name, runtime) => {
  test("gives a CPU profile that names the app's functions, and a heap snapshot with its classes", async () => {
    const debugged = await debuggedHost({ inspected: { runtime, entry: "server.mjs" } })
    const { host } = debugged
    let asking = true
    const load = (async () => {
      while (asking) await host.ask("/inspected/work")
    })()
    const profile = await post(debugged, "/v1/apps/inspected/profile?seconds=1")
    asking = false
    await load
    expect([profile.status, profile.type]).toEqual([200, "application/json"])
    expect(profile.disposition).toMatch(/^attachment; filename="inspected-\d+-\d+T\d+Z\.cpuprofile"$/)
    const { nodes } = JSON.parse(profile.text) as { nodes: { callFrame: { functionName: string } }[] }
    expect(nodes.map(({ callFrame }) => callFrame.functionName).join(" ")).toContain("workHard")
    const snapshot = await post(debugged, "/v1/apps/inspected/heap-snapshot")
    expect([snapshot.status, snapshot.text.slice(0, 300)]).toEqual([200, expect.stringContaining("snapshot")])
    const { strings } = JSON.parse(snapshot.text) as { strings: string[] }
    expect(strings).toContain("KeptByTheApp")
    expect((await host.ask("/inspected/")).text).toBe("hello 42")
  })
})

describe("the inspector of a process", () => {
  test("has its port closed again when the debugger leaves, and opens once more", async () => {
    const debugged = await debuggedHost({ inspected: { runtime: NEWEST_NODE, entry: "server.mjs" } })
    const { host } = debugged
    const expression = "process.getBuiltinModule('node:inspector').url()"
    for (let round = 0; round < 2; round++) {
      const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
      const { result } = await client.ask("Runtime.evaluate", { expression })
      const { port } = new URL(result.result.value)
      expect((await fetch(`http://127.0.0.1:${port}/json/version`)).status).toBe(200)
      await client.detach()
      await eventually(3000, "the end of the port", () =>
        fetch(`http://127.0.0.1:${port}/json/version`).then(
          () => false,
          () => true,
        ),
      )
    }
    expect(host.app("inspected").instances.map(({ id }) => id)).toEqual(["inspected-1"])
  })

  test("is opened by a replacement where the app handles SIGUSR1 itself, which never sees the signal", async () => {
    const debugged = await debuggedHost({
      inspected: { runtime: NEWEST_NODE, entry: "server.mjs", env: { OWN_SIGUSR1: "1" } },
    })
    await expectReplacement(debugged)
    expect(debugged.host.log).not.toContain("the app's own SIGUSR1")
  })

  test("is opened by a replacement where Node was told to ignore the signal", async () => {
    const runtime: TestApp["runtime"] = {
      name: "node",
      version: NEWEST_NODE.slice(5),
      args: ["--disable-sigusr1"],
    }
    await expectReplacement(await debuggedHost({ inspected: { runtime, entry: "server.mjs" } }))
  })
})

describe.each(BUNS)("%s", (runtime) => {
  test("speaks the protocol of its own engine", async () => {
    const debugged = await debuggedHost({ inspected: { runtime, entry: "server.mjs" } })
    const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
    const { result } = await client.ask("Runtime.evaluate", { expression: "6*7" })
    expect(result.result.value).toBe(42)
    await client.detach()
    expect((await debugged.host.ask("/inspected/")).text).toBe("hello 42")
  })
})

async function expectReplacement(debugged: Awaited<ReturnType<typeof debuggedHost>>): Promise<void> {
  const { host } = debugged
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  expect((await client.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
  await host.logged(/replaced to be inspected/)
  expect((await host.ask("/inspected/")).text).toBe("hello 42")
  await client.detach()
  // One with an open inspector does not stay.
  await host.state("inspected", ({ instances }) => instances.map(({ id }) => id).join() === "inspected-3")
  expect((await host.ask("/inspected/")).text).toBe("hello 42")
}
