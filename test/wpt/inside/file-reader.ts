/** A reader of blobs for tests that use one as a tool: older versions of the suite know no `blob.text()`. Made on Blob's own methods. */

interface Readable {
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

/** Made when the file runs: EventTarget is then the isolate's. */
export function makeFileReader(): new () => object {
  return class FileReader extends EventTarget {
    result: unknown = null
    error: unknown = null
    readyState = 0
    onload: unknown = null
    onloadend: unknown = null
    onerror: unknown = null

    readAsText(blob: Readable): void {
      this.#read(() => blob.text())
    }

    readAsArrayBuffer(blob: Readable): void {
      this.#read(() => blob.arrayBuffer())
    }

    #read(read: () => Promise<unknown>): void {
      this.readyState = 1
      read().then(
        (result) => {
          this.result = result
          this.#end("load")
        },
        (error: unknown) => {
          this.error = error
          this.#end("error")
        },
      )
    }

    #end(type: "load" | "error"): void {
      this.readyState = 2
      for (const name of [type, "loadend"]) {
        const event = new Event(name)
        const handler = (this as unknown as Record<string, unknown>)[`on${name}`]
        this.dispatchEvent(event)
        if (typeof handler === "function") handler.call(this, event)
      }
    }
  }
}
