/**
 * Where the host's bytes go in an isolate: all into the one context of an app, or each request into a context of its own
 * (`request-contexts.ts`). Types, and the first.
 */
import type { Lane } from "./lane.ts"
import type { Bundle } from "./modules/bundler.ts"

/** What a routing needs of its isolate. */
export interface Surroundings {
  /** The isolate's limit. */
  readonly memoryBytes: number
  /** A lane whose bytes go to `send`, before the app is there. */
  makeLane(send: (bytes: Uint8Array) => void): Lane
  /** One more, for one request. Rejects when the isolate is gone. */
  makeRequestLane(send: (bytes: Uint8Array) => void): Promise<Lane>
  /** Starts to load a bundle into the lane. Never rejects: `lane.loaded` tells. */
  load(lane: Lane, bundle: Bundle): Promise<void>
  /** The app could not be loaded: the guest of the lane tells the host. */
  loadFailed(lane: Lane, error: unknown): Promise<void>
  toHost(bytes: Uint8Array): void
  /** The isolate broke the protocol. */
  violated(reason: string): void
}

export interface Routing {
  /** All lanes that may have work. */
  readonly lanes: Iterable<Lane>
  /** The app is loaded. */
  readonly ready: boolean
  fromHost(chunk: Uint8Array): void
  load(bundle: Promise<Bundle>): Promise<void>
  close(): void
}

/** One context for all that an instance does. */
export class OneContext implements Routing {
  readonly lanes: readonly [Lane]
  readonly #isolate: Surroundings

  constructor(isolate: Surroundings) {
    this.#isolate = isolate
    this.lanes = [isolate.makeLane((bytes) => isolate.toHost(bytes))]
  }

  get ready(): boolean {
    return this.lanes[0].isLoaded
  }

  fromHost(chunk: Uint8Array): void {
    this.lanes[0].receive(chunk)
  }

  async load(bundle: Promise<Bundle>): Promise<void> {
    const [lane] = this.lanes
    try {
      await this.#isolate.load(lane, await bundle)
      await lane.loaded
    } catch (error) {
      await this.#isolate.loadFailed(lane, error)
    }
  }

  close(): void {
    this.lanes[0].close()
  }
}
