import { expect, it } from "vitest"
import { core } from "./core-fixture.ts"

it("messages are cloned when they are posted and come in order, each in a task of its own", async () => {
  const { web, runTimers } = core()
  const { port1, port2 } = new web.MessageChannel()
  const seen: unknown[] = []
  const message = { n: 1 }
  port1.postMessage(message)
  message.n = 2
  port1.postMessage(message)
  port2.onmessage = ({ data, isTrusted }: { data: { n: number }; isTrusted: boolean }) => {
    seen.push(data.n, isTrusted)
    web.queueMicrotask(() => seen.push("microtask"))
  }
  expect(seen).toEqual([])
  await runTimers()
  expect(seen).toEqual([1, true, "microtask", 2, true, "microtask"])
})

it("a port that only listens gets its messages once it is started, and none once it is closed", async () => {
  const { web, runTimers } = core()
  const { port1, port2 } = new web.MessageChannel()
  const seen: unknown[] = []
  port2.addEventListener("message", (event: { data: unknown }) => seen.push(event.data))
  port1.postMessage("a")
  await runTimers()
  expect(seen).toEqual([])
  port2.start()
  await runTimers()
  port2.close()
  port1.postMessage("b")
  await runTimers()
  expect(seen).toEqual(["a"])
})

it("a port goes through another with the messages that wait for it", async () => {
  const { web, runTimers } = core()
  const outer = new web.MessageChannel()
  const { port1, port2 } = new web.MessageChannel()
  const seen: unknown[] = []
  port1.postMessage("waiting")
  outer.port1.postMessage("port", [port2])
  outer.port2.onmessage = ({ ports }: { ports: { onmessage: unknown }[] }) => {
    ports[0]!.onmessage = ({ data }: { data: unknown }) => seen.push(data)
  }
  port1.postMessage("later")
  await runTimers()
  expect(seen).toEqual(["waiting", "later"])
  expect(() => outer.port1.postMessage("again", [port2])).toThrow(
    expect.objectContaining({ name: "DataCloneError" }),
  )
})
