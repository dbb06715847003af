import type { GuestConfig } from "../guest-config.ts"

/**
 * Resolves when the runtime has begun to load its main program, so that importing the entry joins that load instead
 * of making the entry a module that is not main. Deno says so by its load event; in Node and Bun a turn of the loop does.
 */
export function mainStarted(config: GuestConfig): Promise<void> {
  return new Promise((resolve) => {
    if (config.runtime === "deno" && !config.mainIsGuest) {
      const target = globalThis as unknown as { addEventListener(type: string, run: () => void): void }
      target.addEventListener("load", () => resolve())
    } else setImmediate(resolve)
  })
}
