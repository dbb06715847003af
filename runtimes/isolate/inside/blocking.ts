/** An isolate's thread is one of a few that many share: nothing may sleep on it. As on a browser's main thread. */
export function forbidBlocking(): void {
  const { wait } = {
    wait(): never {
      throw new TypeError("Atomics.wait cannot be called in an isolate")
    },
  }
  Object.defineProperty(Atomics, "wait", { value: wait, writable: true, configurable: true })
}
