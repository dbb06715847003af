/** Clients of TLS: node:tls for what must be seen exactly, curl and openssl for what others do. */
import { spawn } from "node:child_process"
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls"
import { within } from "../support/deadline.ts"

const CLIENT_MS = 15_000

/** Resolves after the handshake, rejects when it fails. Certificates are not checked unless asked for. */
export function handshake(url: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...options })
  const done = new Promise<TLSSocket>((resolve, reject) => {
    socket.once("secureConnect", () => resolve(socket))
    socket.once("error", reject)
    socket.once("close", () => reject(new Error("closed before the handshake was done")))
  })
  return within(CLIENT_MS, "a handshake", done)
}

export interface Spoken {
  readonly text: string
  /** Everything came to a proper end: TLS said so. */
  readonly ended: boolean
}

/** Writes bytes and resolves with what came until the end. */
export function speak(socket: TLSSocket, bytes: string): Promise<Spoken> {
  let text = ""
  let ended = false
  const done = new Promise<Spoken>((resolve) => {
    socket.setEncoding("latin1")
    socket.on("data", (chunk: string) => {
      text += chunk
    })
    socket.on("end", () => {
      ended = true
    })
    socket.on("error", () => undefined)
    socket.on("close", () => resolve({ text, ended }))
  })
  socket.write(bytes, "latin1")
  return within(CLIENT_MS, "the end of a connection", done)
}

/** `GET path` on a connection of its own. */
export async function get(url: string, path: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await handshake(url, options)
  const host = options.servername ?? "localhost"
  return (await speak(socket, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).text
}

/** Common name and type of key of the certificate that is shown. */
export async function shown(url: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await handshake(url, options)
  const { subject, bits } = socket.getPeerCertificate()
  socket.destroy()
  return `${subject.CN} ${bits === 256 ? "ec" : "rsa"}`
}

export interface Ran {
  readonly code: number
  /** Both streams. */
  readonly output: string
}

/** Runs a program to its end, or until its output has a match of `until`. */
export function run(
  program: string,
  args: readonly string[],
  { input = "", until }: { input?: string; until?: RegExp } = {},
): Promise<Ran> {
  const child = spawn(program, args, { stdio: "pipe" })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("latin1")
    stream.on("data", (chunk: string) => {
      output += chunk
      if (until?.test(output) === true) child.kill()
    })
  }
  child.stdin.on("error", () => undefined)
  child.stdin.write(input)
  if (until === undefined) child.stdin.end()
  const done = new Promise<Ran>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => resolve({ code: code ?? -1, output }))
  })
  return within(CLIENT_MS, `${program} ${args.join(" ")}`, done).finally(() => child.kill("SIGKILL"))
}

export function curl(...args: string[]): Promise<Ran> {
  return run("curl", ["-sS", "--max-time", "10", ...args])
}
