import { describe, expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import type { TestApp } from "../support/harness.ts"
import { appsOf, BUNS, DENOS, groups, type Kind, NEWEST_NODE, NODES, THREAD } from "./kinds.ts"
import { type Debugged, Debugger, debuggedHost, inspectUrl } from "./rig.ts"

test.each(
  groups([...NODES, ...DENOS, THREAD]),
)("a debugger evaluates, stops at a breakpoint in a handler, and lets the request finish: %s", async (_titles, kinds) => {
  const debugged = await debuggedHost(appsOf(kinds))
  await Promise.all(kinds.map((kind) => expectBreakpoint(debugged, kind)))
  expect(debugged.host.log).not.toMatch(/Debugger listening|Debugger attached|nodejs\.org/)
})

test("of many threads in a cell the debugger gets the one that it asked for, also after another was replaced", async () => {
  const names = ["ada", "bob", "cyd", "dan"]
  const app = (name: string): TestApp => ({
    ...THREAD.app,
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

describe("the inspector of a process", () => {
  test("has its port closed again when the debugger leaves, and opens once more", async () => {
    const debugged = await debuggedHost({ inspected: NEWEST_NODE.app })
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
      inspected: { ...NEWEST_NODE.app, env: { OWN_SIGUSR1: "1" } },
    })
    await expectReplacement(debugged)
    expect(debugged.host.log).not.toContain("the app's own SIGUSR1")
  })

  test("is opened by a replacement where Node was told to ignore the signal", async () => {
    const runtime: TestApp["runtime"] = {
      name: "node",
      version: String(NEWEST_NODE.app.runtime).slice(5),
      args: ["--disable-sigusr1"],
    }
    await expectReplacement(await debuggedHost({ inspected: { ...NEWEST_NODE.app, runtime } }))
  })
})

test.each(groups(BUNS))("Bun speaks the protocol of its own engine: %s", async (_titles, kinds) => {
  const debugged = await debuggedHost(appsOf(kinds))
  for (const { name } of kinds) {
    const client = await Debugger.attach(inspectUrl(debugged, name))
    const { result } = await client.ask("Runtime.evaluate", { expression: "6*7" })
    expect(result.result.value, name).toBe(42)
    await client.detach()
    expect((await debugged.host.ask(`/${name}/`)).text, name).toBe("hello 42")
  }
})

async function expectBreakpoint(debugged: Debugged, { name }: Kind): Promise<void> {
  const { host } = debugged
  expect((await host.ask(`/${name}/`)).text, name).toBe("hello 42")
  const client = await Debugger.attach(inspectUrl(debugged, name))
  const evaluated = await client.ask("Runtime.evaluate", { expression: "6*7" })
  expect(evaluated.result.result.value, name).toBe(42)
  await client.ask("Debugger.enable")
  const set = await client.ask("Debugger.setBreakpointByUrl", {
    urlRegex: ".*/server\\.mjs$",
    lineNumber: 12,
  })
  expect(set.result.locations, name).toHaveLength(1)
  const answer = host.ask(`/${name}/`)
  const paused = await client.event("Debugger.paused")
  expect(paused.params.callFrames[0].functionName, name).toBe("handleHello")
  await client.ask("Debugger.resume")
  expect((await answer).text, name).toBe("hello 42")
  await client.detach()
  await host.logged(new RegExp(`"app":"${name}"[^\\n]*the debugger has left`))
  expect((await host.ask(`/${name}/`)).text, name).toBe("hello 42")
}

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
