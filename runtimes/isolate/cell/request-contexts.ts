/**
 * `policy: "perRequest"`: each request gets a context of its own, in which the app's modules are evaluated anew, so that nothing of one
 * request is left for the next. Requests overlap in contexts of one isolate. The handshake, heartbeats and the stop are a context's
 * that holds no app (the trunk); one context with the app is kept ready for the next request. As many are open as the isolate's memory
 * has room for; requests beyond wait their turn.
 */
import { FLAG_END, FrameType, writeUint48 } from "../../../protocol/frames.ts"
import { DisconnectCode } from "../../../protocol/messages.ts"
import type { Lane } from "./lane.ts"
import type { Bundle } from "./modules/bundler.ts"
import { frameOf, type RawFrame, RawFrames } from "./raw-frames.ts"
import type { Routing, Surroundings } from "./routing.ts"

/** Apps that export what the app does, as the host is to know of it; they are never asked. */
const TRUNK: Bundle = { code: "export const fetch = () => {}", filename: "polyhost:trunk.js", map: null }
const TRUNK_WITH_SOCKETS: Bundle = { ...TRUNK, code: `${TRUNK.code}; export const websocket = {}` }
/** Memory that a context with a small app takes, and some for what it does. */
const CONTEXT_BYTES = 2 * 1024 * 1024
/** How long `ctx.waitUntil` may go on after the answer. */
const AFTERWARDS_MS = 30_000

interface RequestContext {
  /** Null while it is made. */
  lane: Lane | null
  readonly fromIsolate: RawFrames
  /** Ids of its calls: its own to the host's. */
  readonly calls: Map<number, number>
  /** 0: it waits for a request. */
  stream: number
  /** Frames that came before the app was evaluated. */
  held: Uint8Array[] | null
  failure: { error: unknown } | null
  /** The app is there. */
  evaluated: Promise<void>
}

export class RequestContexts implements Routing {
  readonly #isolate: Surroundings
  readonly #trunk: Lane
  readonly #fromHost: RawFrames
  readonly #byStream = new Map<number, RequestContext>()
  readonly #byCall = new Map<number, RequestContext>()
  readonly #open = new Set<RequestContext>()
  readonly #most: number
  /** Streams of WebSocket connections, those that wait included. */
  readonly #sockets = new Set<number>()
  /** Requests without a context, in order, and their frames. */
  readonly #waiting = new Map<number, Uint8Array[]>()
  #bundle: Bundle | null = null
  #welcome: Uint8Array | null = null
  #next: RequestContext | null = null
  #lastCall = 0
  /** The host's order to stop, held until the last request's work is done. */
  #shutdown: Uint8Array | null = null

  constructor(isolate: Surroundings) {
    this.#isolate = isolate
    this.#most = Math.max(1, Math.floor(isolate.memoryBytes / CONTEXT_BYTES))
    this.#trunk = isolate.makeLane((bytes) => isolate.toHost(bytes))
    this.#fromHost = new RawFrames((frame) => this.#hostFrame(frame))
  }

  get lanes(): readonly Lane[] {
    const lanes = [this.#trunk]
    for (const { lane } of this.#open) if (lane !== null) lanes.push(lane)
    return lanes
  }

  get ready(): boolean {
    return this.#trunk.isLoaded
  }

  fromHost(chunk: Uint8Array): void {
    this.#fromHost.push(chunk)
  }

  async load(bundle: Promise<Bundle>): Promise<void> {
    try {
      this.#bundle = await bundle
      this.#next = this.#make()
      const first = this.#next
      await first.evaluated
      const trunk = first.lane?.takesSockets === true ? TRUNK_WITH_SOCKETS : TRUNK
      await this.#isolate.load(this.#trunk, trunk)
    } catch (error) {
      await this.#isolate.loadFailed(this.#trunk, error)
    }
  }

  close(): void {
    this.#trunk.close()
    this.#waiting.clear()
    for (const { lane } of this.#open) lane?.close()
    this.#open.clear()
  }

  // Contexts

  #make(): RequestContext {
    const context: RequestContext = {
      lane: null,
      fromIsolate: new RawFrames((frame) => this.#isolateFrame(context, frame)),
      calls: new Map(),
      stream: 0,
      held: [],
      failure: null,
      evaluated: Promise.resolve(),
    }
    this.#open.add(context)
    context.evaluated = this.#evaluate(context)
    context.evaluated.catch((error: unknown) => {
      context.failure = { error }
      if (context.stream !== 0) this.#refuse(context)
    })
    return context
  }

  async #evaluate(context: RequestContext): Promise<void> {
    const lane = await this.#isolate.makeRequestLane((bytes) => context.fromIsolate.push(bytes))
    if (!this.#open.has(context)) return lane.close()
    context.lane = lane
    if (this.#welcome !== null) lane.receive(this.#welcome.slice())
    await this.#isolate.load(lane, this.#bundle as Bundle)
    await lane.loaded
    const { held } = context
    context.held = null
    for (const bytes of held ?? []) lane.receive(bytes)
  }

  #give(context: RequestContext, bytes: Uint8Array): void {
    if (context.held === null) context.lane?.receive(bytes)
    else context.held.push(bytes)
  }

  /** Contexts of requests, those whose answer is out included. */
  get #busy(): number {
    return this.#open.size - (this.#next === null ? 0 : 1)
  }

  /** Connections that stay for long take half of the contexts at most. */
  #hasRoom(stream: number): boolean {
    if (this.#busy >= this.#most) return false
    if (!this.#sockets.has(stream)) return true
    let connected = 0
    for (const id of this.#sockets) if (this.#byStream.has(id)) connected++
    return connected < Math.max(1, this.#most / 2)
  }

  #admit(stream: number, frames: readonly Uint8Array[]): void {
    const context = this.#take(stream)
    if (context.failure !== null) this.#refuse(context)
    else for (const bytes of frames) this.#give(context, bytes)
  }

  #admitWaiting(): void {
    for (const [stream, frames] of this.#waiting) {
      if (!this.#hasRoom(stream)) continue
      this.#waiting.delete(stream)
      this.#admit(stream, frames)
    }
  }

  #take(stream: number): RequestContext {
    const context = this.#next ?? this.#make()
    context.stream = stream
    this.#byStream.set(stream, context)
    // The next one is made while this one works.
    this.#next = null
    setImmediate(() => {
      if (this.#shutdown === null && this.#open.size > 0 && this.#busy < this.#most)
        this.#next ??= this.#make()
    })
    return context
  }

  /** Its modules threw this time. */
  #refuse(context: RequestContext): void {
    const { message } = Object(context.failure?.error) as { message?: unknown }
    const text = new TextEncoder().encode(`the app could not be loaded: ${String(message).slice(0, 1000)}`)
    const payload = new Uint8Array(1 + text.length)
    payload[0] = DisconnectCode.appError
    payload.set(text, 1)
    this.#isolate.toHost(frameOf({ type: FrameType.disconnect, flags: 0, id: context.stream }, payload))
    this.#drop(context)
  }

  /** The answer is out: what `waitUntil` was given goes on for a while. */
  #answered(context: RequestContext): void {
    this.#byStream.delete(context.stream)
    this.#sockets.delete(context.stream)
    const text = new TextEncoder().encode(JSON.stringify({ reason: "answered", graceMs: AFTERWARDS_MS }))
    this.#give(context, frameOf({ type: FrameType.shutdown, flags: 0, id: 0 }, text))
  }

  #drop(context: RequestContext): void {
    this.#open.delete(context)
    this.#byStream.delete(context.stream)
    this.#sockets.delete(context.stream)
    for (const id of context.calls.values()) this.#byCall.delete(id)
    const { lane } = context
    lane?.close()
    // Not before the turn that runs has ended.
    setImmediate(() => lane?.guest.release())
    this.#admitWaiting()
    this.#stopWhenDone()
  }

  #stopWhenDone(): void {
    const busy = [...this.#open].some((it) => it !== this.#next)
    if (this.#shutdown === null || busy || this.#waiting.size > 0) return
    this.#trunk.receive(this.#shutdown)
    this.#shutdown = null
  }

  // Frames

  #hostFrame({ type, id, bytes }: RawFrame): void {
    if (type === FrameType.shutdown) {
      this.#shutdown = bytes
      this.#stopWhenDone()
    } else if (type < FrameType.request) {
      if (type === FrameType.welcome) this.#keepWelcome(bytes)
      this.#trunk.receive(bytes)
    } else if (type >= FrameType.callRequest) {
      const context = this.#byCall.get(id)
      for (const [own, global] of context?.calls ?? []) if (global === id) writeUint48(bytes, 6, own)
      context?.lane?.receive(bytes)
    } else if (type === FrameType.request || type === FrameType.socketConnect) {
      if (type === FrameType.socketConnect) this.#sockets.add(id)
      if (this.#hasRoom(id)) this.#admit(id, [bytes])
      else this.#waiting.set(id, [bytes])
    } else if (this.#waiting.has(id)) {
      // Nothing of it was done: there is nobody to tell that the client left.
      if (type === FrameType.disconnect) {
        this.#waiting.delete(id)
        this.#sockets.delete(id)
      } else this.#waiting.get(id)?.push(bytes)
    } else {
      const context = this.#byStream.get(id)
      if (context === undefined) return
      this.#give(context, bytes)
      if (type === FrameType.disconnect || type === FrameType.socketClose) this.#answered(context)
    }
  }

  #keepWelcome(bytes: Uint8Array): void {
    this.#welcome = bytes.slice()
    for (const { lane } of this.#open) lane?.receive(bytes.slice())
  }

  /** A context speaks for its request and its calls only. */
  #isolateFrame(context: RequestContext, { type, flags, id, bytes }: RawFrame): void {
    if (!this.#open.has(context)) return
    if (type === FrameType.shutdownComplete) return this.#drop(context)
    if (type >= FrameType.callRequest) {
      let global = context.calls.get(id)
      if (global === undefined) {
        global = ++this.#lastCall
        context.calls.set(id, global)
        this.#byCall.set(global, context)
      }
      writeUint48(bytes, 6, global)
    } else if (type >= FrameType.request) {
      if (id !== context.stream || context.stream === 0)
        return this.#isolate.violated(`a request's context spoke for stream ${id}`)
    } else if (type !== FrameType.log && type !== FrameType.output)
      return this.#isolate.violated(`a request's context sent a frame of type ${type}`)
    this.#isolate.toHost(bytes)
    const ends = (type === FrameType.response || type === FrameType.body) && (flags & FLAG_END) !== 0
    if (ends || type === FrameType.disconnect) this.#answered(context)
  }
}
