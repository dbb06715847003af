/** The search for the runtime of an app that has no instance yet: an app that starts on request has it found before the first one. */
import type { ResolvedRuntime } from "../../runtimes/runtime.ts"

export interface SearchEvents {
  found(resolved: ResolvedRuntime): void
  failed(error: unknown): void
  ended(): void
}

export class RuntimeSearch {
  #going: AbortController | null = null

  get going(): boolean {
    return this.#going !== null
  }

  /** Never rejects. */
  async start(find: (signal: AbortSignal) => Promise<ResolvedRuntime>, events: SearchEvents): Promise<void> {
    this.#going = new AbortController()
    const { signal } = this.#going
    try {
      events.found(await find(signal))
    } catch (error) {
      if (!signal.aborted) events.failed(error)
    }
    this.#going = null
    events.ended()
  }

  stop(): void {
    this.#going?.abort(new Error("the app was stopped"))
  }
}
