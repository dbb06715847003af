/**
 * crossws' own classes, as far as they are used. The package shows them to none but its adapters; `write-guests.ts` bundles them by
 * their path, and a version that has them elsewhere fails there.
 */
declare module "crossws/dist/_chunks/peer.mjs" {
  export interface PeerParts {
    readonly ws: object
    readonly request: Request
    readonly namespace: string
    readonly context: Record<string, unknown>
    readonly peers: Set<object>
  }
  export abstract class Peer<Parts extends PeerParts = PeerParts> {
    protected readonly _internal: Parts
    protected readonly _topics: Set<string>
    constructor(parts: Parts)
    get remoteAddress(): string | undefined
    get topics(): Set<string>
    get bufferedAmount(): number
    terminate(): void
    abstract send(data: unknown, options?: object): number | undefined
    abstract close(code?: number, reason?: string): void
    abstract _publish(topic: string, data: unknown, options?: object): void
  }
  export class Message {
    constructor(data: string | Uint8Array, peer: Peer)
  }
}

declare module "crossws/dist/_chunks/adapter.mjs" {
  import type { Peer } from "crossws/dist/_chunks/peer.mjs"
  export interface Upgraded {
    readonly context: Record<string, unknown>
    readonly namespace: string
    readonly endResponse?: Response
    readonly handled?: boolean
    readonly upgradeHeaders?: Headers | Record<string, string> | [string, string][]
  }
  export class AdapterHookable {
    constructor(options: { hooks?: object; resolve?: (request: Request) => unknown })
    callHook(name: string, first: unknown, second?: unknown, connection?: object): unknown
    upgrade(request: Request): Promise<Upgraded>
  }
  export function getPeers(all: Map<string, Set<Peer>>, namespace: string): Set<Peer>
  export function getWebSocketHooks(request: Request): object | undefined
  export function toBufferLike(data: unknown): string | Uint8Array | ArrayBuffer | object
}

declare module "crossws/dist/_chunks/error.mjs" {
  export class WSError extends Error {
    constructor(error: unknown)
  }
}
