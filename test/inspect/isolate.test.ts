import { expect, test } from "vitest"
import { within } from "../support/deadline.ts"
import { type Debugged, Debugger, debuggedHost, inspectUrl, post } from "./rig.ts"

function isolateHost(extra: Record<string, unknown> = {}): Promise<Debugged> {
  return debuggedHost({ inspected: { runtime: { name: "isolate" }, entry: "fetch.mjs", ...extra } })
}

test("an isolate is replaced by one with an inspector, stops at a breakpoint, and is replaced again", async () => {
  const debugged = await isolateHost({ timeouts: { wedge: "2s" } })
  const { host } = debugged
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  await host.logged(/replaced to be inspected/)
  expect(await client.ask("Runtime.evaluate", { expression: "6*7" })).toMatchObject({
    result: { result: { value: 42 } },
  })
  await breakIn(client, "const answer = 6 * 7")
  const answer = host.ask("/inspected/")
  const paused = await client.event("Debugger.paused")
  expect(paused.params.callFrames[0].functionName).toBe("handleHello")
  // Longer than it may stand still.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await client.ask("Debugger.resume")
  expect((await answer).text).toBe("hello 42")
  await client.detach()
  await host.state("inspected", ({ instances }) => instances.map(({ id }) => id).join() === "inspected-3")
  expect((await host.ask("/inspected/")).text).toBe("hello 42")
})

test("an isolate that spins is stopped by a debugger, over its CPU limit, and is ended once that has left", async () => {
  const debugged = await isolateHost({ limits: { cpu: "500ms" } })
  const { host } = debugged
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  await client.ask("Debugger.enable")
  const spinning = host.ask("/inspected/spin")
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await client.ask("Debugger.pause")
  const paused = await client.event("Debugger.paused")
  expect(paused.params.callFrames[0].functionName).toBe("spinForEver")
  await client.detach()
  expect((await within(10_000, "the end of the spin", spinning)).text).toContain("APP_CPU_LIMIT")
  expect((await host.ask("/inspected/")).text).toBe("hello 42")
})

test("an isolate gives a CPU profile and a heap snapshot", async () => {
  const debugged = await isolateHost()
  const { host } = debugged
  let asking = true
  const load = (async () => {
    while (asking) await host.ask("/inspected/work")
  })()
  const profile = await post(debugged, "/v1/apps/inspected/profile?seconds=1")
  asking = false
  await load
  expect(profile.text.slice(0, 200)).toContain("nodes")
  const { nodes } = JSON.parse(profile.text) as { nodes: { callFrame: { functionName: string } }[] }
  expect(nodes.map(({ callFrame }) => callFrame.functionName).join(" ")).toContain("workHard")
  const snapshot = await post(debugged, "/v1/apps/inspected/heap-snapshot")
  expect([snapshot.status, snapshot.text.slice(0, 1000)]).toEqual([200, expect.anything()])
  expect((JSON.parse(snapshot.text) as { strings: string[] }).strings).toContain("KeptByTheApp")
})

/** In the script that has the text. */
async function breakIn(client: Debugger, text: string): Promise<void> {
  await client.ask("Debugger.enable")
  for (const { method, params } of client.messages) {
    if (method !== "Debugger.scriptParsed") continue
    const { scriptId } = params
    const { result } = await client.ask("Debugger.getScriptSource", { scriptId })
    const lineNumber = String(result.scriptSource)
      .split("\n")
      .findIndex((line) => line.includes(text))
    if (lineNumber === -1) continue
    const set = await client.ask("Debugger.setBreakpoint", {
      location: { scriptId, lineNumber, columnNumber: 0 },
    })
    if (set.error === undefined) return
  }
  throw new Error(`no script has ${text}`)
}
