/** Requests that an instance took nothing of: its server was gone before its process was seen to end. */
import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"

const FIXTURE = `${import.meta.dirname}/../fixtures/apps/leaves`

test("requests that a dying instance took no connection for are answered by the next one", async () => {
  const host = await startHost({ leaves: { dir: FIXTURE, entry: "app.cjs" } })
  const leaving = (await host.ask("/leaves/leave")).text
  const answers = await Promise.all(Array.from({ length: 10 }, () => host.ask("/leaves/")))
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
  expect(answers.map((answer) => answer.text)).not.toContain(leaving)
})

test("requests with a body are not given to another instance, and a server that closed for good is a 502", async () => {
  const host = await startHost({ leaves: { dir: FIXTURE, entry: "app.cjs" } })
  await host.ask("/leaves/shut")
  const answers = [await host.ask("/leaves/"), await host.ask("/leaves/", { method: "POST", body: "x" })]
  expect(answers.map((answer) => [answer.status, JSON.parse(answer.text).code])).toEqual([
    [502, "APP_CRASHED"],
    [502, "APP_CRASHED"],
  ])
})
