/** Too many clients, and clients that vanish: nothing of them stays, and others are served. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { ask } from "../support/http-client.ts"
import { answersIn, filesBackTo, HostileRig, head, openFiles } from "./hostile-rig.ts"

const GOOD = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"

describe("caps", () => {
  test("connections in all: an idle one makes room, a busy one does not", async () => {
    const rig = await HostileRig.start({ limits: { connections: 3 } })
    try {
      const idle = rig.connect().write(GOOD)
      await idle.until(/good$/)
      const busy = [0, 1].map(() => rig.connect().write(head("GET /hang HTTP/1.1", "Host: a")))
      await rig.connected(2)
      const next = rig.connect().write(head("GET /hang HTTP/1.1", "Host: a"))
      // The idle one is closed for it.
      expect(await idle.closed()).toMatch(/good$/)
      const over = await rig.send(GOOD)
      expect(answersIn(over)).toMatchObject([{ status: 503, code: "TOO_MANY_CONNECTIONS", closes: true }])
      for (const connection of [next, ...busy]) connection.destroy()
      await eventually(5000, "room again", async () => (await rig.tried(GOOD)).includes("good"))
    } finally {
      await rig.close()
    }
  })

  test("connections of one address", async () => {
    const rig = await HostileRig.start({ limits: { connectionsPerAddress: 2 } })
    try {
      const two = [0, 1].map(() => rig.connect().write(head("GET /hang HTTP/1.1", "Host: a")))
      await rig.connected(2)
      const over = await rig.send(GOOD)
      expect(answersIn(over)).toMatchObject([{ status: 503, code: "TOO_MANY_CONNECTIONS", closes: true }])
      for (const connection of two) connection.destroy()
      await eventually(5000, "room again", async () => (await rig.tried(GOOD)).includes("good"))
    } finally {
      await rig.close()
    }
  })
})

describe("clients that vanish", () => {
  let rig: HostileRig
  beforeAll(async () => {
    rig = await HostileRig.start()
  })
  afterAll(() => rig?.close())

  test("at every byte of a request leave no file open and no request half done", async () => {
    await rig.send(head("GET /good HTTP/1.1", "Host: a", "Connection: close"))
    const before = openFiles()
    const text = `${head("POST /read HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")}5;x\r\nhello\r\n0\r\nT: 1\r\n\r\n`
    for (const [index, end] of [...text].map((_, at) => [at, at + 1] as const)) {
      const connection = rig.connect()
      await new Promise<void>((resolve) => connection.socket.write(text.slice(0, end), () => resolve()))
      if (index % 2 === 0) connection.socket.resetAndDestroy()
      else connection.destroy()
    }
    await filesBackTo(before)
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
  })

  test("while they are answered: the app hears of each", async () => {
    const before = openFiles()
    await rig.seen()
    const several = Array.from({ length: 20 }, () =>
      rig.connect().write(head("GET /hang HTTP/1.1", "Host: a")),
    )
    await rig.connected(20)
    for (const connection of several) connection.destroy()
    let left = 0
    await eventually(5000, "20 requests left", async () => {
      left += (await rig.seen()).filter((one) => one === "left").length
      return left === 20
    })
    await filesBackTo(before)
  })

  test("in the middle of an answer", async () => {
    const before = openFiles()
    for (let i = 0; i < 20; i++) {
      const connection = rig.connect().write(head("GET /endless HTTP/1.1", "Host: a"))
      await connection.until((received) => received.length > i * 1000)
      connection.socket.resetAndDestroy()
    }
    await filesBackTo(before)
  })

  test("500 at a time, after one byte each", async () => {
    const before = openFiles()
    const many = Array.from({ length: 500 }, () => rig.connect().write("G"))
    await Promise.all(
      many.map(({ socket }) => new Promise<void>((resolve) => socket.once("connect", () => resolve()))),
    )
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
    for (const connection of many) connection.destroy()
    await filesBackTo(before)
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
  }, 30_000)

  test("with one half only: all that they asked for comes", async () => {
    const connection = rig.connect()
    connection.socket.end(
      `${GOOD}${GOOD}${head("POST /read HTTP/1.1", "Host: a", "Content-Length: 5")}hello\r\n`,
    )
    const answers = answersIn(await connection.closed())
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, "good"],
      [200, "good"],
      [200, "5"],
    ])
  })
})
