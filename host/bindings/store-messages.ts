/** What the host and the store's worker thread say to each other. */
import type { StoreOpName } from "../../protocol/calls/call-frames.ts"

export interface StoreTask {
  readonly id: number
  readonly op: StoreOpName
  readonly namespace: string
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly number: number
}

export interface StoreAnswer {
  readonly id: number
  /** As in StoreOutcome. */
  readonly outcome: number
  readonly bytes: Uint8Array
}

/** Of one namespace. */
export interface StoreQuota {
  /** Keys and values together. */
  readonly bytes: number
  readonly keys: number
}

export interface StoreWorkerData {
  readonly path: string
  readonly quota: StoreQuota
}

/** host → worker; null: close. */
export type ToStoreWorker = readonly StoreTask[] | null

/** worker → host. */
export type FromStoreWorker =
  | { readonly kind: "answers"; readonly answers: readonly StoreAnswer[] }
  | { readonly kind: "damaged"; readonly path: string; readonly reason: string }
