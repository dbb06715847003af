/** The self-test of a way to make isolates: one request through one that is thrown away. */
import { FrameReader } from "../../../protocol/frame-reader.ts"
import {
  FLAG_END,
  FrameType,
  FrameWriter,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "../../../protocol/frames.ts"
import { REQUEST_FIXED_BYTES, type Welcome } from "../../../protocol/messages.ts"
import type { IsolateFactory } from "./factory.ts"
import { GuestContext } from "./guest-context.ts"

const APP = `export default { async fetch(request) {
  await null
  const url = new URL(request.url)
  return new Response(url.pathname + (await new Response("é").text()) + typeof setTimeout, { headers: { "x-a": "b" } })
} }`

/** @throws when the answer is not what it must be. */
export async function probe(factory: IsolateFactory): Promise<void> {
  const isolate = factory.isolate({
    memoryBytes: 64 * 1024 * 1024,
    inspect: false,
    isLast: true,
    onCatastrophicError: () => undefined,
  })
  const chunks: Uint8Array[] = []
  let fatal: string | undefined
  const nothing = (): void => undefined
  try {
    const guest = GuestContext.make(isolate, factory, {
      config: { token: "", version: "", pid: 0, env: {}, bindings: [], oneRequest: false },
      functions: {
        send: (bytes) => {
          chunks.push(new Uint8Array(bytes))
        },
        fatal: (why) => {
          fatal = why
        },
        domainToASCII: (host) => host,
        encodingTables: () => "{}",
        mapStack: (stack) => stack,
        random: (length) => new ArrayBuffer(length),
        sendEgress: nothing,
        wake: nothing,
        print: nothing,
        begin: nothing,
        evaluated: nothing,
        barrier: nothing,
      },
      inspect: false,
    })
    const evaluate = await guest.link(isolate, { code: APP, filename: "app:///probe.js", map: null })
    await evaluate()
    await guest.turn({ bytes: requestBytes(), egress: undefined, due: false, settled: undefined })
    if (fatal !== undefined) throw new Error(fatal)
    const answer = new TextDecoder().decode(responseOf(chunks))
    if (!answer.endsWith("/probe\u00e9function") || !answer.includes("x-a: b\r\n"))
      throw new Error(`the self-test was answered ${JSON.stringify(answer)}`)
  } finally {
    isolate.dispose()
  }
}

/** A welcome, and a request for /probe. */
function requestBytes(): ArrayBuffer {
  const chunks: Uint8Array[] = []
  const channel = {
    bufferedBytes: 0,
    write: (written: readonly Uint8Array[]) => void chunks.push(...written),
    listen: () => undefined,
    close: () => undefined,
  }
  const writer = new FrameWriter(channel, () => undefined)
  const welcome: Welcome = {
    protocol: "1.0",
    app: { name: "probe", dir: "", entry: "", generation: 0, instance: "" },
    interface: "fetch",
    socketDir: "",
    socketPrefix: "",
    windowBytes: 1024,
  }
  writer.frame(FrameType.welcome, 0, 0, new TextEncoder().encode(JSON.stringify(welcome)))
  const parts = ["GET", "/probe", "a.example", "127.0.0.1", "accept: */*\r\n"]
  const length = parts.join("").length
  let at = writer.open(FrameType.request, FLAG_END, 1, REQUEST_FIXED_BYTES + length)
  const { slab } = writer
  slab[at] = parts[0]!.length
  slab[at + 1] = 0
  for (const [index, part] of parts.slice(1, 4).entries()) writeUint16(slab, at + 2 + index * 2, part.length)
  writeUint32(slab, at + 8, parts[4]!.length)
  at += REQUEST_FIXED_BYTES
  for (const part of parts) at = writeLatin1(slab, at, part)
  writer.flush()
  return new Uint8Array(Buffer.concat(chunks)).buffer
}

function responseOf(chunks: readonly Uint8Array[]): Uint8Array {
  let found = new Uint8Array(0)
  const reader = new FrameReader({
    frame(type, flags, stream, payload) {
      if (type !== FrameType.response || stream !== 1 || flags !== FLAG_END) return
      found = payload.bytes.slice(payload.start, payload.end)
    },
  })
  for (const chunk of chunks) reader.push(chunk)
  return found
}
