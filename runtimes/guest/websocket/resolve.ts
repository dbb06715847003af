/** Hooks that come with the answer of an app's `fetch`, as h3's `defineWebSocketHandler` gives them. As crossws' servers do it. */

type Hooks = { readonly upgrade?: (request: Request) => unknown }

/** `ofRequest`: hooks that a framework left on the request. A Response without hooks is the answer to a client that is refused. */
export function hooksOfAnswer(answer: unknown, ofRequest: object | undefined): object | undefined {
  const hooks = (answer as { crossws?: object } | null | undefined)?.crossws ?? ofRequest
  if (!(answer instanceof Response)) return withHeaders(hooks, answer)
  if (hooks === undefined || (!answer.ok && answer.status !== 426)) return { upgrade: () => answer }
  answer.body?.cancel().catch(() => undefined)
  return hooks
}

/** What is no Response may say which headers the 101 is to have. */
function withHeaders(hooks: Hooks | undefined, answer: unknown): object | undefined {
  const headers = (answer as { headers?: ConstructorParameters<typeof Headers>[0] } | null | undefined)
    ?.headers
  if (headers === undefined) return hooks
  return {
    ...hooks,
    async upgrade(request: Request) {
      const result = (await hooks?.upgrade?.(request)) as { headers?: typeof headers } | undefined
      if (result instanceof Response) return result
      const merged = new Headers(headers)
      new Headers(result?.headers).forEach((value, name) => {
        merged.set(name, value)
      })
      return { ...result, headers: merged }
    },
  }
}
