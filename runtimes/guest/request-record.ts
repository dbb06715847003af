/**
 * What every kind of Request in the guest is made from: the head in the frame's bytes, the body, the abort signal.
 * Parts become strings when they are asked for, once.
 */
import type { GuestStream } from "../../protocol/guest-stream.ts"
import { headerList } from "../header-list.ts"
import type { GuestPlatform } from "./platform.ts"
import { RequestBody } from "./request-body.ts"

/** What the URL standard leaves as it is: no dot segments, no `'` (encoded in queries), no port with zeros before it. */
const PLAIN_TARGET = /^\/[\w\-~!$&()*+,;=:@%/?]*$/
const ENCODED_DOT = /%2e/i
const PLAIN_HOST = /^[a-z0-9.\-_]+(:[1-9]\d*)?$/

export class RequestRecord {
  readonly stream: GuestStream
  readonly body: RequestBody | null
  readonly #platform: GuestPlatform
  #url: string | undefined
  #controller: AbortController | undefined
  #aborted = false

  constructor(stream: GuestStream, platform: GuestPlatform) {
    this.stream = stream
    this.#platform = platform
    this.body = stream.head.hasBody ? new RequestBody(stream, platform) : null
  }

  get method(): string {
    const { head } = this.stream
    return this.#platform.latin1(head.bytes, head.methodAt, head.targetAt)
  }

  /** The client's scheme and host, and the target, as the URL standard writes them. */
  get url(): string {
    this.#url ??= this.#makeUrl()
    return this.#url
  }

  get clientAddress(): string {
    const { head } = this.stream
    return this.#platform.latin1(head.bytes, head.addressAt, head.headersAt)
  }

  /** `[name, value, …]` as the client sent them. */
  get headerList(): string[] {
    const { head } = this.stream
    return headerList(this.#platform.latin1(head.bytes, head.headersAt, head.headersEnd))
  }

  get headers(): Headers {
    const list = this.headerList
    const headers = new Headers()
    for (let i = 0; i < list.length; i += 2) headers.append(list[i] as string, list[i + 1] as string)
    return headers
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort(clientLeft())
    return this.#controller.signal
  }

  /** The client left or the host gave up. */
  disconnected(): void {
    this.#aborted = true
    this.#controller?.abort(clientLeft())
    this.body?.fail(clientLeft())
  }

  #makeUrl(): string {
    const { head } = this.stream
    const platform = this.#platform
    const scheme = head.https ? "https://" : "http://"
    const host = platform.latin1(head.bytes, head.hostAt, head.addressAt)
    const target = platform.latin1(head.bytes, head.targetAt, head.hostAt)
    const plain =
      PLAIN_TARGET.test(target) &&
      !ENCODED_DOT.test(target) &&
      PLAIN_HOST.test(host) &&
      !host.endsWith(head.https ? ":443" : ":80")
    if (plain) return scheme + host + target
    const path = target.startsWith("/") ? target : "/"
    try {
      // Not `new URL(target, base)`: a target of `//x` would become a host.
      return new URL(scheme + host + path).href
    } catch {
      return new URL(path.replace(/[^\x21-\x7e]/g, "_"), `${scheme}localhost`).href
    }
  }
}

function clientLeft(): Error {
  return new DOMException("The client closed the connection before the answer ended", "AbortError")
}
