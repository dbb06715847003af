/**
 * `env.NAME.fetch(request)`: another app as a function. It takes what the web's `fetch` takes, and answers with what the
 * other app answered: redirects are not followed, and an error of the other app is a response with its status.
 */
import type { CallClient } from "../../../protocol/calls/call-client.ts"
import { BindingCall } from "./binding-call.ts"

export type BindingInput = string | URL | Request

export interface AppBinding {
  fetch(input: BindingInput, init?: RequestInit): Promise<Response>
}

export function createAppBinding(name: string, calls: CallClient, cause: () => number): AppBinding {
  return {
    async fetch(input, init) {
      // Before anything is awaited: afterwards it may be the request of somebody else.
      const stream = cause()
      const request = new Request(absolute(input, name), withDuplex(init))
      request.signal.throwIfAborted()
      const body = await knownBody(request, init)
      return new Promise<Response>((resolve, reject) => {
        const { url, method, headers, signal } = request
        const hasBody = body !== null ? body.length > 0 : request.body !== null
        let lines = ""
        headers.forEach((value, key) => {
          if (body === null || key !== "content-length") lines += `${key}: ${value}\r\n`
        })
        if (body !== null) lines += `content-length: ${body.length}\r\n`
        const call = new BindingCall({ name, signal, resolve, reject })
        call.open(calls, { binding: name, method, url: withoutFragment(url), lines, hasBody, cause: stream })
        if (hasBody) call.send(body ?? (request.body as ReadableStream<Uint8Array>))
      })
    },
  }
}

/** A path alone is a path of the app that is called. */
function absolute(input: BindingInput, name: string): BindingInput {
  if (typeof input !== "string" || !input.startsWith("/")) return input
  return `http://${name.toLowerCase().replace(/[^a-z0-9-]/g, "-")}${input}`
}

/** A stream as the body needs this member, in the runtimes that know it. */
function withDuplex(init: RequestInit | undefined): RequestInit | undefined {
  return init?.body == null ? init : ({ duplex: "half", ...init } as RequestInit)
}

/** The body when it is at hand, so that its length can be told; null: there is none, or it is a stream. */
async function knownBody(request: Request, init: RequestInit | undefined): Promise<Uint8Array | null> {
  if (init?.body == null || init.body instanceof ReadableStream) return null
  return new Uint8Array(await request.arrayBuffer())
}

function withoutFragment(url: string): string {
  const at = url.indexOf("#")
  return at < 0 ? url : url.slice(0, at)
}
