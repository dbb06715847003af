/** What a case of the suite is, and what it is given. Running and judging one is `cell.ts`'s. */
import type { Api, Column } from "./columns.ts"
import type { RawClient, RawResponse, ReadOptions } from "./raw-client.ts"
import type { RequestParts } from "./request-bytes.ts"

/** One app, behind the host or alone, as a client reaches it. */
export interface Target {
  readonly column: Column
  readonly api: Api
  /** True for node:http, false where the app sees Request and gives Response. */
  readonly node: boolean
  /** Value of Host that leads to the app. */
  readonly host: string
  /** No host between. */
  readonly direct: boolean
  /** The long form of a case is asked for. */
  readonly full: boolean
  /** Process id of the host, 0 when direct. */
  readonly hostPid: number
  /** Closed after the case. */
  connect(): RawClient
  /** One request on a connection of its own. */
  ask(parts: RequestParts, options?: ReadOptions): Promise<RawResponse>
  /** A request's bytes with this app's Host. */
  bytes(parts: RequestParts): Buffer
  /** An id that no other case has. */
  id(): string
}

export type NotApplicable = `n/a: ${string}`

export interface Case {
  /** Of the catalogue where one fits, `W…` otherwise. */
  readonly id: string
  readonly title: string
  /** Why an app of Request and Response (fetch, Bun.serve, Deno.serve) cannot express it. */
  readonly webUnable?: string
  /** Why an app on node:http cannot. */
  readonly nodeUnable?: string
  /** What only a host does: never compared with the bare runtime. */
  readonly hostOnly?: true
  /** It measures time: nothing else runs beside it. */
  readonly alone?: true
  /** Its long form keeps an app busy: nothing else runs beside it. */
  readonly heavy?: true
  /** @throws what is wrong. @returns why the interface cannot express it. */
  run(at: Target): Promise<NotApplicable | undefined>
}
