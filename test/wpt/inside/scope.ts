/** The names by which the suite's files know where they run: `self`, `location`, `GLOBAL`, the classes of global scopes. */
import { makeFileReader } from "./file-reader.ts"
import type { FileToRun } from "./file-to-run.ts"

export interface Scope {
  /** After the harness was loaded, which would take the classes for a promise of messages between frames. */
  enter(): void
  /** The page's load event, for files of the window scope. */
  load(): void
}

export function pretendScope(global: object, file: FileToRun, read: (url: string) => string): Scope {
  const window = file.scope === "window"
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true })
  }
  if (!("self" in global)) define("self", global)
  define("location", makeLocation(file.url))
  define("GLOBAL", { isWindow: () => window, isWorker: () => !window, isShadowRealm: () => false })
  if (file.title !== null) define("META_TITLE", file.title)
  function ScopeClass(): void {}
  Object.defineProperty(ScopeClass, Symbol.hasInstance, { value: (value: unknown) => value === global })
  return {
    enter() {
      // Older files read blobs by it. No API of the runtime: where it is tested itself it is not given.
      if (!("FileReader" in global) && !/FileReader|idlharness|reading-data/i.test(file.url)) {
        define("FileReader", makeFileReader())
      }
      if (window) {
        define("window", global)
        define("Window", ScopeClass)
        return
      }
      define("WorkerGlobalScope", ScopeClass)
      define("DedicatedWorkerGlobalScope", ScopeClass)
      define("importScripts", (...urls: string[]) => {
        // The harness is there already, and was loaded in its own way.
        for (const url of urls) if (!url.endsWith("/testharness.js")) runGlobally(read(url))
      })
    },
    load() {
      const { onload, Event, dispatchEvent } = global as {
        onload?: unknown
        Event?: new (type: string) => object
        dispatchEvent?: (event: object) => boolean
      }
      if (Event !== undefined && dispatchEvent !== undefined) dispatchEvent(new Event("load"))
      if (typeof onload === "function") onload.call(global)
    },
  }
}

/** Text of a script, in the global scope. */
function runGlobally(source: string): void {
  const { eval: run } = globalThis
  run(source)
}

/** As a worker's: strings that nothing can navigate. */
function makeLocation(href: string): object {
  const [, protocol, host, path, search = "", hash = ""] = /^(\w+:)\/\/([^/]+)([^?#]*)(\?[^#]*)?(#.*)?$/.exec(
    href,
  )!
  const [hostname, port = ""] = host!.split(":")
  const origin = `${protocol}//${host}`
  return { href, origin, protocol, host, hostname, port, pathname: path, search, hash, toString: () => href }
}
