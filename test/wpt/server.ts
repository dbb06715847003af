/** A small server for the tests' own files: the suite's folder, `.sub.` files filled in, `.headers` beside files, and the handlers of `handlers.ts`. */
import { once } from "node:events"
import { existsSync, readFileSync, statSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join, posix } from "node:path"
import { handle } from "./handlers.ts"
import { substitute } from "./substitute.ts"

export interface FilesServer {
  /** A host of the suite's, with the port that this server listens on. */
  readonly origin: string
  close(): Promise<void>
}

export async function openServer(root: string): Promise<FilesServer> {
  const origin = (): string => `http://web-platform.test:${(server.address() as AddressInfo).port}`
  const stash = new Map<string, string>()
  const server = createServer((request, response) => {
    const url = new URL(request.url!, origin())
    handle({ request, response, url, stash })
      .then((handled) => {
        if (!handled) sendFile(root, url, response)
      })
      .catch(() => response.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    origin: origin(),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

function sendFile(root: string, url: URL, response: ServerResponse): void {
  const path = join(root, posix.normalize(decodeURIComponent(url.pathname)))
  if (!path.startsWith(root) || !existsSync(path) || !statSync(path).isFile()) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not there")
    return
  }
  if (path.endsWith(".asis")) {
    response.socket?.end(wholeAnswer(readFileSync(path, "latin1")), "latin1")
    return
  }
  const headers = existsSync(`${path}.headers`) ? readHeaders(readFileSync(`${path}.headers`, "latin1")) : []
  if (!headers.some(([name]) => name.toLowerCase() === "content-type"))
    headers.push(["content-type", typeOf(path)])
  headers.push(...pipedHeaders(url))
  const body = readFileSync(path)
  response.writeHead(200, headers.flat())
  response.end(/\.sub\./.test(path) ? substitute(body.toString("utf8"), url) : body)
}

/** `?pipe=header(name,value)|…`: fields that a test asks for. */
function pipedHeaders(url: URL): [string, string][] {
  const pipe = url.searchParams.get("pipe") ?? ""
  return [...pipe.matchAll(/\bheader\(([^,)]+),([^)]*)\)/g)].map(([, name, value]) => [name!, value!])
}

/** An answer with its head. These files end lines, and some heads, as browsers bear it, which is not what is tested. */
function wholeAnswer(text: string): string {
  const lines = text.replace(/\r?\n/g, "\r\n")
  return lines.includes("\r\n\r\n") ? lines : `${lines}\r\n`
}

function readHeaders(text: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const at = line.indexOf(":")
    return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]]
  })
}

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  json: "application/json",
  html: "text/html",
  txt: "text/plain",
  wasm: "application/wasm",
  png: "image/png",
  svg: "image/svg+xml",
  css: "text/css",
}

function typeOf(path: string): string {
  return TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream"
}
