import { type ChildProcess, spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { Debugger } from "../inspect/rig.ts"
import { within } from "../support/deadline.ts"
import { createRig, POLYHOST } from "./rig.ts"

const rig = createRig()
afterEach(() => rig.cleanUp())

const APP = `
class KeptByTheApp { name = "kept" }
globalThis.kept = new KeptByTheApp()
function tick(depth) { return depth < 2 ? depth : tick(depth - 1) + tick(depth - 2) }
setInterval(() => tick(27), 10)
export default { fetch: () => new Response("hello") }
`

async function serving(): Promise<string> {
  const root = await rig.tree({
    "polyhost.app.json": {
      name: "shop",
      runtime: { name: "node", path: process.execPath },
      entry: "app.mjs",
      interface: "fetch",
    },
    "app.mjs": APP,
  })
  const { output } = await rig.serve([], { cwd: root })
  await output(/1 app: 1 running/)
  return root
}

test("inspect lets debuggers find the app, keeps web pages out, and ends with the signal", async () => {
  const root = await serving()
  const child = spawn(process.execPath, [POLYHOST, "inspect", "shop", "--listen", "127.0.0.1:0"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  try {
    const url = new URL((await said(child, /listening on (ws:\/\/127\.0\.0\.1:\d+\/[\w-]+)/))[1] ?? "")
    const [target] = JSON.parse((await get(url, "/json/list")).text) as Record<string, string>[]
    expect(target).toMatchObject({ webSocketDebuggerUrl: url.href, type: "node" })
    expect(target?.["title"]).toMatch(/^shop \(node /)
    expect(target?.["devtoolsFrontendUrl"]).toContain(`ws=${url.host}${url.pathname}`)
    expect(JSON.parse((await get(url, "/json/version")).text)).toMatchObject({ "Protocol-Version": "1.1" })
    expect((await get(url, "/json/list", { Host: "evil.example" })).status).toBe(403)
    expect((await get(url, "/json/list", { Origin: "https://evil.example" })).status).toBe(403)
    await expect(Debugger.attach(url.href, { headers: { Origin: "https://evil.example" } })).rejects.toThrow(
      /403/,
    )
    await expect(Debugger.attach(new URL("/other", url).href)).rejects.toThrow(/404/)
    const client = await Debugger.attach(url.href, { headers: { Origin: "devtools://devtools" } })
    expect((await client.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
    await expect(Debugger.attach(url.href)).rejects.toThrow(/409/)
    child.kill("SIGINT")
    expect(await within(5000, "the end of the command", exited)).toBe(0)
  } finally {
    child.kill("SIGKILL")
    await exited
  }
})

test("inspect writes a CPU profile and a heap snapshot", async () => {
  const cwd = await serving()
  const profile = await rig.run(["inspect", "shop", "--profile", "0.5"], { cwd })
  expect([profile.code, profile.stderr]).toEqual([0, ""])
  const { nodes } = JSON.parse(profile.stdout) as { nodes: { callFrame: { functionName: string } }[] }
  expect(nodes.map(({ callFrame }) => callFrame.functionName).join(" ")).toContain("tick")
  const snapshot = await rig.run(["inspect", "shop", "--heap-snapshot", "-o", "shop.heapsnapshot"], { cwd })
  expect([snapshot.code, snapshot.stdout]).toEqual([0, ""])
  const { strings } = JSON.parse(await readFile(join(cwd, "shop.heapsnapshot"), "utf8")) as {
    strings: string[]
  }
  expect(strings).toContain("KeptByTheApp")
})

test("inspect says what it was not told right, or what is not there", async () => {
  const cwd = await serving()
  const expected = [
    [["inspect", "none"], 1, /HOST_UNKNOWN_APP/],
    [["inspect", "none", "--profile", "1"], 1, /HOST_UNKNOWN_APP/],
    [["inspect", "shop", "--profile", "x"], 2, /number of seconds/],
    [["inspect", "shop", "--profile", "1", "--heap-snapshot"], 2, /two calls/],
    [["inspect", "shop", "--instance", "shop-99", "--heap-snapshot"], 1, /HOST_UNKNOWN_INSTANCE.*shop-1/],
    [["inspect", "shop", "--listen", "nonsense:x"], 2, /--listen/],
    [["inspect", "shop", "-o", "x"], 2, /--output/],
    [["inspect"], 2, /needs APP/],
  ] as const
  await Promise.all(
    expected.map(async ([args, code, stderr]) => {
      const result = await rig.run(args, { cwd })
      expect([result.code, result.stderr], args.join(" ")).toEqual([code, expect.stringMatching(stderr)])
    }),
  )
})

function said(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = ""
  const found = new Promise<RegExpExecArray>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      text += chunk
      const match = pattern.exec(text)
      if (match !== null) resolve(match)
    })
  })
  return within(15_000, `${pattern}`, found)
}

function get(
  url: URL,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = url
    request({ hostname, port, path, agent: false, headers }, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    })
      .on("error", reject)
      .end()
  })
}
