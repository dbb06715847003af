import { expect, test } from "vitest"
import { appsOf, BUNS, DENOS, groups, ISOLATE, type Kind, NODES, THREAD } from "./kinds.ts"
import { type Debugged, debuggedHost, post } from "./rig.ts"

const ALL = [...groups([...NODES, ...DENOS, THREAD, ISOLATE]), ...groups(BUNS)]

test.each(ALL)(
  "a CPU profile names the app's functions, and a heap snapshot its classes: %s",
  async (_titles, kinds) => {
    const debugged = await debuggedHost(appsOf(kinds))
    await Promise.all(kinds.map((kind) => expectCaptures(debugged, kind)))
  },
  60_000,
)

async function expectCaptures(debugged: Debugged, { name }: Kind): Promise<void> {
  const { host } = debugged
  let asking = true
  const load = (async () => {
    while (asking) await host.ask(`/${name}/work`)
  })()
  const profile = await post(debugged, `/v1/apps/${name}/profile?seconds=1`).finally(() => {
    asking = false
  })
  await load
  expect([profile.status, profile.type], `${name}: ${profile.text.slice(0, 300)}`).toEqual([
    200,
    "application/json",
  ])
  expect(profile.disposition).toMatch(
    new RegExp(`^attachment; filename="${name}-\\d+-\\d+T\\d+Z\\.cpuprofile"$`),
  )
  const { nodes } = JSON.parse(profile.text) as { nodes: { callFrame: { functionName: string } }[] }
  expect(nodes.map(({ callFrame }) => callFrame.functionName).join(" "), name).toContain("workHard")
  const snapshot = await post(debugged, `/v1/apps/${name}/heap-snapshot`)
  expect([snapshot.status, snapshot.text.slice(0, 300)], name).toEqual([
    200,
    expect.stringContaining("snapshot"),
  ])
  const { strings } = snapshotIn(snapshot.text, name)
  expect(strings.includes("KeptByTheApp"), `${name} has its class`).toBe(true)
  expect((await host.ask(`/${name}/`)).text, name).toBe("hello 42")
}

/** A heap snapshot is long: what is wrong with it is said with its place in it. */
function snapshotIn(text: string, name: string): { strings: string[] } {
  try {
    return JSON.parse(text) as { strings: string[] }
  } catch (error) {
    const hole = text.indexOf(",,")
    const around = hole === -1 ? text.slice(-200) : text.slice(Math.max(0, hole - 200), hole + 200)
    throw new Error(`the heap snapshot of ${name} (${text.length} characters, ",," at ${hole}): ${around}`, {
      cause: error,
    })
  }
}
