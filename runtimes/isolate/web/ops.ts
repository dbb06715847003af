/**
 * What the web APIs inside an isolate cannot do by themselves and ask of the cell. Types only: in the isolate each member is a
 * plain function made from an ivm.Callback (arguments and results are copied), its other end is `runtimes/isolate/ops/`.
 */

export interface WebOps {
  /** IDNA (UTS 46) of a host name, "" when invalid. */
  domainToASCII(host: string, beStrict: boolean): string
  /** The library's tables of legacy multi-byte encodings, JSON. */
  encodingTables(): string
  /** Cryptographically strong bytes, at most 65536. */
  random(length: number): ArrayBuffer
  /** One operation on the cell's threads, a method of WebCrypto's or `brotli.compress`, `brotli.decompress`; request and result are structured-clone data (bytes as ArrayBuffer). */
  subtle(method: string, request: SubtleRequest): Promise<SubtleAnswer>
  /** Asks for one call of `timers.fire()` after `ms`; a later call replaces the earlier; Infinity = none. */
  wakeAfter(ms: number): void
  /** One call of the app's console; `text` has no newline at its end. */
  print(stream: "stdout" | "stderr", text: string): void
}

/** A key as it travels: the cell keeps none, the isolate keeps this in a private slot. */
export interface KeyMaterial {
  readonly type: "secret" | "public" | "private"
  /** In the WebCrypto standard's KeyAlgorithm shape, bytes as ArrayBuffer. */
  readonly algorithm: AlgorithmRecord
  /** raw (secret), spki (public) or pkcs8 (private). */
  readonly data: ArrayBuffer
}

/** A normalised algorithm: `name` and members of plain data. */
export interface AlgorithmRecord {
  readonly name: string
  readonly [member: string]: unknown
}

export interface SubtleRequest {
  readonly algorithm: AlgorithmRecord
  readonly key?: KeyMaterial
  /** The other party's key in ECDH and X25519. */
  readonly publicKey?: KeyMaterial
  readonly data?: ArrayBuffer
  readonly signature?: ArrayBuffer
  /** In bits; null: as long as the algorithm makes it. */
  readonly length?: number | null
  readonly format?: string
  readonly extractable?: boolean
  readonly usages?: readonly string[]
  readonly jwk?: Readonly<Record<string, unknown>>
}

export type SubtleAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly name: string; readonly message: string }
