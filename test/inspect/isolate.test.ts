import { expect, test } from "vitest"
import { ISOLATE, NEWEST_NODE } from "./kinds.ts"
import { Debugger, debuggedHost, inspectUrl } from "./rig.ts"

test("an isolate is replaced by one with an inspector, stops at a breakpoint, and is replaced again", async () => {
  const debugged = await debuggedHost({
    inspected: { ...ISOLATE.app, timeouts: { wedge: "1s" } },
    unwatched: { ...NEWEST_NODE.app, timeouts: { wedge: "1s" } },
  })
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
  // One without a debugger stands still for too long meanwhile.
  expect((await host.ask("/unwatched/spin")).text).toContain("APP_WEDGED")
  await client.ask("Debugger.resume")
  expect((await answer).text).toBe("hello 42")
  await client.detach()
  await host.state("inspected", ({ instances }) => instances.map(({ id }) => id).join() === "inspected-3")
  expect((await host.ask("/inspected/")).text).toBe("hello 42")
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
