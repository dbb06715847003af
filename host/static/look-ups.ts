/**
 * LookUps: what lies at a path now, for all who ask at the same time, with little work. Everybody who asks while a look is under way
 * gets the result of the next one: so a thousand requests for a path cost two looks, and none gets an answer that is older than
 * itself. A file that is as it was is sent from memory (`file-cache.ts`).
 */
import { stat } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import type { Cached, FileCache } from "./file-cache.ts"
import { type Finding, type FoundFile, findFile, type Probe, type Sought } from "./find-file.ts"
import { type Identity, sameFile } from "./library.ts"

/** A file, and its bytes where they are at hand. */
export interface Loaded {
  readonly file: FoundFile
  readonly body: Buffer | null
  /** The place of `body` in the cache; null when it has none. */
  readonly cached: Cached | null
  /** Header lines of its plain answer, once somebody has made them. */
  lines: Uint8Array | null
}

export interface Asker {
  found(finding: Finding, loaded: Loaded | null): void
}

/** Files up to this size are read as a whole and sent in one piece. */
export const WHOLE_BYTES = 128 * 1024
/** A file that changed so recently may change again and look the same: clocks of file systems are coarse. */
const SETTLES_MS = 2000
/** Larger files come into memory when they are asked for a second time. */
const MOST_REMEMBERED = 256

export class LookUps {
  readonly #lanes = new Map<string, Lane>()
  readonly #cache: FileCache
  readonly #seenOnce = new Set<string>()

  constructor(cache: FileCache) {
    this.#cache = cache
  }

  /** `key` stands for `sought`, and for the header lines that go with it. */
  ask(key: string, sought: () => Sought, asker: Asker): void {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = new Lane(sought(), this.#cache, this.#seenOnce, () => this.#lanes.delete(key))
      this.#lanes.set(key, lane)
    }
    lane.ask(asker)
  }

  /** Gives back its part of the cache. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.forget()
  }
}

class Lane {
  readonly #sought: Sought
  readonly #cache: FileCache
  readonly #seenOnce: Set<string>
  readonly #idle: () => void
  #waiting: Asker[] = []
  #asked: Asker[] = []
  #isLooking = false
  #kept: Kept | null = null
  #probesLeft = 0
  #unchanged = true

  constructor(sought: Sought, cache: FileCache, seenOnce: Set<string>, idle: () => void) {
    this.#sought = sought
    this.#cache = cache
    this.#seenOnce = seenOnce
    this.#idle = idle
  }

  ask(asker: Asker): void {
    this.#waiting.push(asker)
    if (this.#isLooking) return
    this.#isLooking = true
    // Whoever comes in this turn of the loop is part of it.
    setImmediate(this.#look)
  }

  forget(): void {
    if (this.#kept !== null) this.#cache.drop(this.#kept)
  }

  readonly #look = (): void => {
    this.#asked = this.#waiting
    this.#waiting = []
    if (this.#kept === null) {
      void this.#find()
      return
    }
    const { probes } = this.#kept.file
    this.#probesLeft = probes.length
    this.#unchanged = true
    for (const probe of probes) stat(probe.path, (_, now) => this.#probed(probe, now ?? null))
  }

  #probed({ seen }: Probe, now: Parameters<typeof sameFile>[0] | null): void {
    if (seen === null || now === null ? seen !== now : !sameFile(seen, now)) this.#unchanged = false
    if (--this.#probesLeft > 0) return
    const kept = this.#kept
    if (!this.#unchanged || kept === null) {
      if (kept !== null) this.#cache.drop(kept)
      void this.#find()
      return
    }
    this.#cache.used(kept)
    this.#tell(kept.finding, kept)
  }

  async #find(): Promise<void> {
    let body: Buffer | null = null
    const finding = await findFile(this.#sought, async (file, handle) => {
      body = await this.#load(file, handle)
    })
    let loaded: Loaded | null = null
    if (finding.kind === "file") loaded = this.#keep(finding.file, body)
    this.#tell(finding, loaded)
  }

  async #load(file: FoundFile, handle: FileHandle): Promise<Buffer | null> {
    const { size } = file.identity
    if (size > WHOLE_BYTES && !(this.#cache.takes(size) && isSettled(file) && this.#seenBefore(file.path)))
      return null
    const body = Buffer.allocUnsafeSlow(size)
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(body, at, size - at, at)
      if (bytesRead === 0) return null
      at += bytesRead
    }
    // What changed meanwhile may be of both.
    return sameFile(await handle.stat(), file.identity) ? body : null
  }

  #keep(file: FoundFile, body: Buffer | null): Loaded {
    if (body !== null && isSettled(file)) {
      const kept = new Kept(file, body, () => {
        this.#kept = null
        if (!this.#isLooking) this.#idle()
      })
      if (this.#cache.add(kept)) {
        this.#kept = kept
        return kept
      }
    }
    return { file, body, cached: null, lines: null }
  }

  #tell(finding: Finding, loaded: Loaded | null): void {
    const asked = this.#asked
    this.#asked = []
    for (const asker of asked) asker.found(finding, loaded)
    if (this.#waiting.length > 0) setImmediate(this.#look)
    else {
      this.#isLooking = false
      if (this.#kept === null) this.#idle()
    }
  }

  #seenBefore(path: string): boolean {
    if (this.#seenOnce.delete(path)) return true
    if (this.#seenOnce.size >= MOST_REMEMBERED) this.#seenOnce.clear()
    this.#seenOnce.add(path)
    return false
  }
}

class Kept implements Cached, Loaded {
  readonly file: FoundFile
  readonly body: Buffer
  readonly finding: Finding
  readonly bytes: number
  readonly cached = this
  readonly dropped: () => void
  users = 0
  lines: Uint8Array | null = null

  constructor(file: FoundFile, body: Buffer, dropped: () => void) {
    this.file = file
    this.body = body
    this.bytes = body.length
    this.finding = { kind: "file", file }
    this.dropped = dropped
  }
}

function isSettled({ identity, probes }: FoundFile): boolean {
  const settledMs = Date.now() - SETTLES_MS
  const isOld = (it: Identity): boolean => Math.max(it.mtimeMs, it.ctimeMs) < settledMs
  return isOld(identity) && probes.every(({ seen }) => seen === null || isOld(seen))
}
