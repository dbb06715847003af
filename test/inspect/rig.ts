/** A debugger for tests: raw messages of the protocol over the admin API, as any client would send them. */
import { mkdtempSync, rmSync } from "node:fs"
import { type IncomingMessage, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { WebSocket } from "ws"
import { adminSocketPath, serveAdminSocket } from "../../host/admin/index.ts"
import type { OwnHost } from "../../host/index.ts"
import { within } from "../support/deadline.ts"
import { startHost, type TestApp, type TestHost, type TestHostOptions } from "../support/harness.ts"

export interface Debugged {
  readonly host: TestHost
  readonly socketPath: string
}

/** A host with its admin socket. */
export async function debuggedHost(
  apps: Record<string, TestApp>,
  options: TestHostOptions = {},
): Promise<Debugged> {
  const host = await startHost(apps, options)
  const stateDir = mkdtempSync(join(tmpdir(), "pht-admin-"))
  const server = await serveAdminSocket(host.host as OwnHost, stateDir)
  onTestFinished(async () => {
    await server.close()
    rmSync(stateDir, { recursive: true })
  })
  return { host, socketPath: adminSocketPath(stateDir) }
}

export interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly message: string }
}

export class Debugger {
  readonly socket: WebSocket
  readonly messages: Message[] = []
  #waiters: (() => void)[] = []
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data) => {
      this.messages.push(JSON.parse(String(data)) as Message)
      for (const wake of this.#waiters.splice(0)) wake()
    })
  }

  /** @throws with the status of the answer when it is refused */
  static async attach(url: string, options: { headers?: Record<string, string> } = {}): Promise<Debugger> {
    const socket = new WebSocket(url, options)
    const client = new Debugger(socket)
    socket.on("error", () => undefined)
    await within(
      20_000,
      `a session at ${url}`,
      new Promise<void>((resolve, reject) => {
        socket.once("open", resolve)
        socket.once("unexpected-response", (_request, response: IncomingMessage) => {
          body(response).then((text) => reject(new Error(`${response.statusCode} ${text}`)), reject)
        })
        socket.once("error", reject)
      }),
    )
    onTestFinished(() => socket.terminate())
    return client
  }

  async ask(method: string, params: Record<string, unknown> = {}): Promise<Message> {
    const id = ++this.#lastId
    this.socket.send(JSON.stringify({ id, method, params }))
    return this.got((message) => message.id === id, method)
  }

  event(method: string): Promise<Message> {
    return this.got((message) => message.method === method, method)
  }

  async got(passes: (message: Message) => boolean, what: string): Promise<Message> {
    const found = (async () => {
      while (true) {
        const message = this.messages.find(passes)
        if (message !== undefined) return message
        await new Promise<void>((resolve) => this.#waiters.push(resolve))
      }
    })()
    return within(10_000, `${what} among ${this.messages.map((it) => it.method ?? it.id).join(" ")}`, found)
  }

  async detach(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()))
    this.socket.close()
    await within(5000, "the end of the session", closed)
  }
}

/** `/v1/apps/NAME/inspect` on the admin socket. */
export function inspectUrl({ socketPath }: Debugged, name: string, query = ""): string {
  return `ws+unix:${socketPath}:/v1/apps/${name}/inspect${query}`
}

export interface Posted {
  readonly status: number
  readonly type: string
  readonly disposition: string
  readonly text: string
}

export function post({ socketPath }: Debugged, path: string): Promise<Posted> {
  const answered = new Promise<Posted>((resolve, reject) => {
    const outgoing = request({ socketPath, method: "POST", path, agent: false }, (response) => {
      const { statusCode = 0, headers } = response
      body(response).then(
        (text) =>
          resolve({
            status: statusCode,
            type: headers["content-type"] ?? "",
            disposition: headers["content-disposition"] ?? "",
            text,
          }),
        reject,
      )
    })
    outgoing.on("error", reject)
    outgoing.end()
  })
  return within(40_000, `the answer of ${path}`, answered)
}

function body(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    response.on("data", (chunk: Buffer) => chunks.push(chunk))
    response.on("error", reject)
    response.on("close", () => (response.complete ? undefined : reject(new Error("the answer was cut"))))
    response.on("end", () => resolve(Buffer.concat(chunks).toString()))
  })
}
