/**
 * Bun adds the content-type of a string body only in its own server: `new Response("x").headers` has none. The standard says
 * text/plain, and so do the other runtimes. The objects stay Bun's own: they go wherever a Response goes.
 */
export function installBunResponse(): void {
  globalThis.Response = new Proxy(globalThis.Response, {
    construct(target, parameters: ConstructorParameters<typeof Response>, newTarget) {
      const response = Reflect.construct(target, parameters, newTarget) as Response
      if (typeof parameters[0] === "string" && !response.headers.has("content-type"))
        response.headers.set("content-type", "text/plain;charset=UTF-8")
      return response
    },
  })
}
