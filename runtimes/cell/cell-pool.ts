/**
 * CellPool: the cells of a host. Decides which cell takes a new instance, starts cells on demand and ends those that nobody
 * lives in. What a cell is: `cell.ts`.
 */
import type { Launchpad } from "../process/launchpad.ts"
import { Cell } from "./cell.ts"
import type { CellEndpoint } from "./cell-endpoint.ts"
import type { StartOrder } from "./cell-messages.ts"
import type { Tenancy } from "./tenancy.ts"

/** A kind of cell, and who may live together in it. */
export interface CellWish {
  readonly app: string
  /** Program, its arguments and the cell program, working directory and environment of the process. */
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Instances of wishes with the same text may share a cell, beside the same program. */
  readonly group: string
  /** Instances in one cell. */
  readonly most: number
}

/** How long an empty cell waits for its next instance, in milliseconds: a restart need not wait for a process. */
const GRACE_MS = 3000
/** How often cells are asked for a sign of life, in milliseconds. */
const WATCH_MS = 500
/** An app that brought down so many cells gets one of its own. */
const STRIKES = 2
/** So many suspects at most are each given a cell of their own: a cell costs memory. */
const MOST_SUSPECTS = 8

interface Place {
  readonly key: string
  readonly exclusive: boolean
  readonly most: number
  cell: Promise<Cell>
  /** Instances that live in it or are on their way. */
  taken: number
  /** Set once the process runs. */
  running: Cell | null
  grace: NodeJS.Timeout | null
}

export class CellPool {
  readonly #launchpad: Launchpad
  readonly #endpoint: CellEndpoint
  readonly #places = new Set<Place>()
  readonly #strikes = new Map<string, number>()
  /** Apps whose next instance starts alone. */
  readonly #suspects = new Set<string>()
  readonly #watching: NodeJS.Timeout
  #lastWatchMs = performance.now()

  constructor(launchpad: Launchpad, endpoint: CellEndpoint) {
    this.#launchpad = launchpad
    this.#endpoint = endpoint
    this.#watching = setInterval(() => this.#watch(), WATCH_MS)
    this.#watching.unref()
  }

  /** A cell for one more instance: `admit` must follow, or `leave`. */
  async enter(wish: CellWish): Promise<CellPlace> {
    const place = this.#find(wish) ?? this.#open(wish)
    place.taken++
    if (place.grace !== null) clearTimeout(place.grace)
    place.grace = null
    let left = false
    const leave = (): void => {
      if (left) return
      left = true
      place.taken--
      if (place.taken === 0) this.#emptied(place)
    }
    try {
      const cell = await place.cell
      return {
        cell,
        leave,
        admit(order, tenant) {
          cell.admit({ ...order, fillsCell: place.taken >= place.most }, tenant)
          tenant.ended.then(leave)
        },
      }
    } catch (error) {
      this.#places.delete(place)
      throw error
    }
  }

  /** Ends every cell. */
  async close(): Promise<void> {
    clearInterval(this.#watching)
    const exits = [...this.#places].map(async (place) => {
      if (place.grace !== null) clearTimeout(place.grace)
      const cell = await place.cell.catch(() => null)
      cell?.kill("the host closes")
      await cell?.exited
    })
    await Promise.all(exits)
  }

  #find(wish: CellWish): Place | undefined {
    const key = keyOf(wish)
    if (this.#isAlone(wish.app)) return undefined
    for (const place of this.#places) {
      if (place.key !== key || place.exclusive || place.taken >= place.most) continue
      if (place.running === null || place.running.usable) return place
    }
    return undefined
  }

  /** Apps are kept apart when they have harmed others, or may have. */
  #isAlone(app: string): boolean {
    return this.#suspects.has(app) || (this.#strikes.get(app) ?? 0) >= STRIKES
  }

  #open(wish: CellWish): Place {
    const place: Place = {
      key: keyOf(wish),
      exclusive: this.#isAlone(wish.app),
      most: wish.most,
      cell: Cell.start({
        launchpad: this.#launchpad,
        endpoint: this.#endpoint,
        file: wish.file,
        args: wish.args,
        cwd: wish.cwd,
        env: wish.env,
        events: {
          struck: (app) => this.#strikes.set(app, (this.#strikes.get(app) ?? 0) + 1),
          suspected: (apps) => {
            const names = new Set(apps)
            if (names.size <= MOST_SUSPECTS) for (const name of names) this.#suspects.add(name)
          },
          ended: () => this.#places.delete(place),
        },
      }),
      taken: 0,
      running: null,
      grace: null,
    }
    this.#suspects.delete(wish.app)
    this.#places.add(place)
    place.cell.then(
      (cell) => {
        place.running = cell
      },
      () => undefined,
    )
    return place
  }

  #emptied(place: Place): void {
    const end = (): void => place.running?.kill("nobody lives in it")
    if (place.exclusive) end()
    else place.grace = setTimeout(end, GRACE_MS).unref()
  }

  #watch(): void {
    const nowMs = performance.now()
    const late = nowMs - this.#lastWatchMs > 2 * WATCH_MS
    this.#lastWatchMs = nowMs
    // When this process itself stood still, the answers of the cells lie unread.
    if (late) return
    for (const { running } of this.#places) running?.watch(nowMs)
  }
}

export interface CellPlace {
  readonly cell: Cell
  admit(order: Omit<StartOrder, "fillsCell">, tenant: Tenancy): void
  /** Nobody comes after all. */
  leave(): void
}

function keyOf({ file, args, group }: CellWish): string {
  return [group, file, ...args].join("\0")
}
