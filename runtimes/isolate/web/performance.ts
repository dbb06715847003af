/** performance: now, timeOrigin, and marks and measures (User Timing), of which the newest are kept. */
import { monotonicNow, timeOrigin } from "./clock.ts"
import { structuredClone } from "./clone/structured-clone.ts"
import { DOMException } from "./dom-exception.ts"
import { EventTarget } from "./events/event-target.ts"
import { defineInterface, requireArguments, toDictionary, toDOMString, toDouble } from "./idl.ts"

const MOST_ENTRIES = 1000

interface EntryFields {
  readonly name: string
  readonly entryType: string
  readonly startTime: number
  readonly duration: number
  readonly detail: unknown
}

// The constructors of entries that only the platform makes.
const MAKE = Symbol("make")

const inner: { fields: (entry: PerformanceEntry) => EntryFields } = {
  fields: () => {
    throw new TypeError("Illegal invocation")
  },
}

export class PerformanceEntry {
  readonly #fields: EntryFields

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
    this.#fields = arguments[1]
  }
  get name(): string {
    return this.#fields.name
  }
  get entryType(): string {
    return this.#fields.entryType
  }
  get startTime(): number {
    return this.#fields.startTime
  }
  get duration(): number {
    return this.#fields.duration
  }
  toJSON(): object {
    const { name, entryType, startTime, duration, detail } = this.#fields
    return { name, entryType, startTime, duration, detail }
  }
  static {
    inner.fields = (entry) => entry.#fields
  }
}

export class PerformanceMark extends PerformanceEntry {
  constructor(name: string, options: object = {}) {
    requireArguments(arguments.length, 1, "PerformanceMark constructor")
    const given = toDictionary(options, "PerformanceMark options")
    const startTime =
      given["startTime"] === undefined ? monotonicNow() : toDouble(given["startTime"], "startTime")
    if (startTime < 0) throw new TypeError("PerformanceMark: startTime is negative")
    const detail = given["detail"] == null ? null : structuredClone(given["detail"])
    const fields = { name: toDOMString(name), entryType: "mark", startTime, duration: 0, detail }
    // @ts-expect-error the arguments of the platform's own constructor are not declared to scripts
    super(MAKE, fields)
  }
  get detail(): unknown {
    return inner.fields(this).detail
  }
}

export class PerformanceMeasure extends PerformanceEntry {
  get detail(): unknown {
    return inner.fields(this).detail
  }
}

export class Performance extends EventTarget {
  #entries: PerformanceEntry[] = []

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
    super()
  }
  get timeOrigin(): number {
    void this.#entries
    return timeOrigin()
  }
  now(): number {
    void this.#entries
    return monotonicNow()
  }
  toJSON(): object {
    void this.#entries
    return { timeOrigin: timeOrigin() }
  }
  mark(name: string, options: object = {}): PerformanceMark {
    requireArguments(arguments.length, 1, "Performance.mark")
    const mark = new PerformanceMark(name, options)
    this.#keep(mark)
    return mark
  }
  measure(
    name: string,
    startOrOptions: unknown = undefined,
    endMark: unknown = undefined,
  ): PerformanceMeasure {
    requireArguments(arguments.length, 1, "Performance.measure")
    const fields = this.#measured(toDOMString(name), startOrOptions, endMark)
    const measure = Reflect.construct(PerformanceMeasure, [MAKE, fields]) as PerformanceMeasure
    this.#keep(measure)
    return measure
  }
  clearMarks(name: string | undefined = undefined): void {
    this.#clear("mark", name)
  }
  clearMeasures(name: string | undefined = undefined): void {
    this.#clear("measure", name)
  }
  getEntries(): PerformanceEntry[] {
    return this.#entries.toSorted((a, b) => a.startTime - b.startTime)
  }
  getEntriesByType(type: string): PerformanceEntry[] {
    requireArguments(arguments.length, 1, "Performance.getEntriesByType")
    const wanted = toDOMString(type)
    return this.getEntries().filter(({ entryType }) => entryType === wanted)
  }
  getEntriesByName(name: string, type: string | undefined = undefined): PerformanceEntry[] {
    requireArguments(arguments.length, 1, "Performance.getEntriesByName")
    const wanted = toDOMString(name)
    return this.getEntries().filter(
      (entry) => entry.name === wanted && (type === undefined || entry.entryType === type),
    )
  }

  #measured(name: string, startOrOptions: unknown, endMark: unknown): EntryFields {
    if (typeof startOrOptions !== "object" || startOrOptions === null) {
      const start = startOrOptions == null ? 0 : this.#moment(startOrOptions)
      const end = endMark === undefined ? monotonicNow() : this.#moment(endMark)
      return { name, entryType: "measure", startTime: start, duration: end - start, detail: null }
    }
    const options = startOrOptions as Readonly<Record<string, unknown>>
    const { start, end, duration, detail } = options
    const isEmpty = start === undefined && end === undefined && duration === undefined && detail === undefined
    if (!isEmpty && (endMark !== undefined || (start === undefined && end === undefined)))
      throw new TypeError("Performance.measure: give start or end, and no third argument beside options")
    if (start !== undefined && end !== undefined && duration !== undefined)
      throw new TypeError("Performance.measure: start, end and duration exclude one another")
    const length = duration === undefined ? null : toDouble(duration, "duration")
    const endTime = this.#endOf({ start, end, length, endMark })
    const startTime =
      start !== undefined ? this.#moment(start) : length !== null && end !== undefined ? endTime - length : 0
    return {
      name,
      entryType: "measure",
      startTime,
      duration: endTime - startTime,
      detail: detail == null ? null : structuredClone(detail),
    }
  }

  #endOf(given: { start: unknown; end: unknown; length: number | null; endMark: unknown }): number {
    if (given.endMark !== undefined) return this.#moment(given.endMark)
    if (given.end !== undefined) return this.#moment(given.end)
    if (given.start !== undefined && given.length !== null) return this.#moment(given.start) + given.length
    return monotonicNow()
  }

  #moment(mark: unknown): number {
    if (typeof mark === "number") {
      const time = toDouble(mark, "the time")
      if (time < 0) throw new TypeError("Performance.measure: a time is negative")
      return time
    }
    const name = toDOMString(mark)
    const entry = this.#entries.findLast((one) => one.entryType === "mark" && one.name === name)
    if (entry === undefined) throw new DOMException(`There is no mark "${name}"`, "SyntaxError")
    return entry.startTime
  }

  #keep(entry: PerformanceEntry): void {
    this.#entries.push(entry)
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift()
  }

  #clear(type: string, name: unknown): void {
    const wanted = name === undefined ? null : toDOMString(name)
    this.#entries = this.#entries.filter(
      (entry) => entry.entryType !== type || (wanted !== null && entry.name !== wanted),
    )
  }
}

defineInterface("PerformanceEntry", PerformanceEntry)
defineInterface("PerformanceMark", PerformanceMark)
defineInterface("PerformanceMeasure", PerformanceMeasure)
defineInterface("Performance", Performance)

export function createPerformance(): Performance {
  return Reflect.construct(Performance, [MAKE]) as Performance
}
