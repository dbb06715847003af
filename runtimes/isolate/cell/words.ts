/** What an isolate and its loading say to people: stacks without the cell's part, positions in the app's own files, bounded output. */
import { PolyhostError } from "../../../protocol/errors.ts"
import type { InstanceReport } from "../../cell/inside/run-cell.ts"
import { OutputBudget } from "./limits/output-budget.ts"
import type { Bundle } from "./modules/bundler.ts"
import { Positions } from "./modules/positions.ts"

export class Words {
  readonly #report: Pick<InstanceReport, "output">
  readonly #budget = new OutputBudget(performance.now())
  #positions: Positions | undefined

  constructor(report: Pick<InstanceReport, "output">) {
    this.#report = report
  }

  loading(bundle: Bundle): void {
    this.#positions = new Positions(bundle)
  }

  print(stream: "stdout" | "stderr", text: string): void {
    const kept = this.#budget.take(`${this.ofApp(text)}\n`, performance.now())
    if (kept !== undefined) this.#report.output(stream, kept)
  }

  /** Stacks in it end where the app does. */
  ofApp(text: string): string {
    return this.mapped(text).replace(OUR_FRAMES, "")
  }

  /** With positions in the app's own files. */
  mapped(text: string): string {
    return this.#positions?.mapped(text) ?? text
  }

  /** Of an error that kept the app from loading: message with file, line and column. */
  described(error: unknown): { message: string; stack: string } {
    if (error instanceof PolyhostError) return { message: error.message, stack: "" }
    if (!(error instanceof Error)) return { message: `the entry threw ${String(error)}`, stack: "" }
    const stack = this.ofApp(withoutCell(error).stack ?? "")
    const place = /app:\/\/\/([^\s)]+:\d+:\d+)/.exec(this.mapped(`${error.message} ${stack}`))?.[1]
    const message = this.mapped(`${error.name}: ${error.message}`)
    return {
      message: place === undefined || message.includes(place) ? message : `${place}: ${message}`,
      stack,
    }
  }
}

/** Lines of a stack that lie in the guest. */
const OUR_FRAMES = /\n {4}at [^\n]*\bpolyhost:[a-z]+\.js:\d+:\d+\)?/g

/** The part of a stack that lies in the cell is nobody's business. */
export function withoutCell<T>(thrown: T): T {
  if (!(thrown instanceof Error)) return thrown
  const at = thrown.stack?.indexOf("\n    at (<isolated-vm boundary>)") ?? -1
  if (at !== -1) thrown.stack = thrown.stack?.slice(0, at) ?? ""
  return thrown
}
