/** How connections end with their instance, and in which order the app hears of it. */
import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { Client } from "./client.ts"

const ENDS = { dir: new URL("../fixtures/apps/sockets-forms", import.meta.url).pathname, entry: "ends.mjs" }

test("a stop tells connections first, waits for what their hooks do, and runs the app's close last", async () => {
  const host = await startHost({ a: ENDS, t: { ...ENDS, runtime: "thread" } })
  for (const name of ["a", "t"]) {
    const client = await Client.open(`${host.url}/${name}/`)
    client.send("later")
    expect(await client.ask("x")).toBe("x")
    const stopped = host.host.stop(name)
    expect((await client.end())[0]).toBe(1001)
    await stopped
    const told = host.log
      .split("\n")
      .filter((line) => line.includes(`"app":"${name}"`) && line.includes("told: "))
    expect(told.map((line) => /told: ([^"]*)/.exec(line)?.[1])).toEqual([
      "closing 1001",
      "closed 1001",
      "a message is done",
      "the app's close",
    ])
  }
})

test("a client that does not answer the close frame keeps a stop no longer than the drain time", async () => {
  const host = await startHost({ a: { ...ENDS, timeouts: { drain: "500ms" } } })
  const client = await Client.open(`${host.url}/a/`)
  expect(await client.ask("x")).toBe("x")
  client.socket.pause()
  const startedMs = performance.now()
  await host.host.stop("a")
  expect(performance.now() - startedMs).toBeLessThan(5000)
  await host.logged(/told: the app's close/)
  client.socket.resume()
  expect((await client.end())[0]).toBe(1001)
})

test("an instance that exits or spins costs its own connections, which are told 1011", async () => {
  const host = await startHost({
    exits: ENDS,
    spins: { ...ENDS, timeouts: { wedge: "1s" } },
    lives: ENDS,
  })
  const open = (name: string): Promise<Client> => Client.open(`${host.url}/${name}/`)
  const [exits, spins, idle, lives] = await Promise.all([
    open("exits"),
    open("spins"),
    open("spins"),
    open("lives"),
  ])
  exits.send("exit")
  spins.send("spin")
  expect(await exits.end()).toEqual([1011, ""])
  expect([await spins.end(), await idle.end()]).toEqual([
    [1011, ""],
    [1011, ""],
  ])
  expect(await lives.ask("still here")).toBe("still here")
  const again = await open("exits")
  expect(await again.ask("back")).toBe("back")
  await Promise.all([lives, again].map((client) => client.close()))
})
