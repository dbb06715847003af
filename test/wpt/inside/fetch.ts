/** A fetch for the suite's own data files, used only as long as the web APIs themselves bring none. */

export interface FetchRequest {
  readonly method: string
  readonly url: string
  /** Name, value, name, value … */
  readonly headers: readonly string[]
  readonly body: ArrayBuffer | null
}

export interface FetchAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: string[]
  readonly body: ArrayBuffer
  readonly error?: string
}

interface Classes {
  readonly Request: new (
    input: unknown,
    init?: unknown,
  ) => {
    method: string
    url: string
    headers: Iterable<[string, string]>
    body: unknown
    arrayBuffer(): Promise<ArrayBuffer>
  }
  readonly Response: new (body: ArrayBuffer | null, init: object) => object
}

export function makeFetch(
  op: (request: FetchRequest) => Promise<FetchAnswer>,
): (input: unknown, init?: unknown) => Promise<object> {
  return async function fetch(input, init) {
    const { Request, Response } = globalThis as unknown as Classes
    const request = new Request(input, init)
    const body = request.body === null ? null : await request.arrayBuffer()
    const answer = await op({
      method: request.method,
      url: request.url,
      headers: [...request.headers].flat(),
      body,
    })
    if (answer.error !== undefined) throw new TypeError(answer.error)
    const { status, statusText } = answer
    const headers: [string, string][] = []
    for (let at = 0; at + 1 < answer.headers.length; at += 2)
      headers.push([answer.headers[at]!, answer.headers[at + 1]!])
    const nullBody = [101, 103, 204, 205, 304].includes(status)
    return new Response(nullBody ? null : answer.body, { status, statusText, headers })
  }
}
