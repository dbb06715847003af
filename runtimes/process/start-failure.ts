/** What is said of an instance that did not start: the error, how it ended, and the last of its output. */
import { stripVTControlCharacters } from "node:util"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { AppSpec } from "../app-spec.ts"
import type { OutputSink, ResolvedRuntime } from "../runtime.ts"

/** A stack with its message and the code that it quotes. */
const TAIL_LINES = 30

/** The last lines of output, for the message of a start that failed. */
export class OutputTail implements OutputSink {
  readonly #sink: OutputSink
  readonly #lines: string[] = []

  constructor(sink: OutputSink) {
    this.#sink = sink
  }

  get text(): string {
    return this.#lines.join("\n")
  }

  /** The line that names the error, as node, bun and deno print it; "" when there is none. */
  get error(): string {
    return this.#lines.find((line) => /^(?:Uncaught )?(?:\w*Error\b|error\b)/.test(line)) ?? ""
  }

  line(stream: "stdout" | "stderr" | "log", text: string): boolean {
    if (stream === "stderr") {
      this.#lines.push(stripVTControlCharacters(text))
      if (this.#lines.length > TAIL_LINES) this.#lines.shift()
    }
    return this.#sink.line(stream, text)
  }

  onDrain(resume: () => void): void {
    this.#sink.onDrain(resume)
  }
}

/** `exit`: how it ended, when it did. */
export function startFailure(
  error: unknown,
  { spec, resolved }: { readonly spec: AppSpec; readonly resolved: ResolvedRuntime },
  { tail, exit }: { tail: OutputTail; exit: string | undefined },
): PolyhostError {
  const code = error instanceof PolyhostError ? error.code : "RUNTIME_LOAD_FAILED"
  let message = messageOf(error)
  if (exit !== undefined && code === "RUNTIME_LOAD_FAILED" && !message.includes(exit)) message += ` (${exit})`
  if (exit !== undefined && tail.error !== "") message += `: ${tail.error}`
  const output = tail.text === "" ? "" : `\n${tail.text}`
  return new PolyhostError(
    code,
    `App "${spec.name}" (${resolved.name} ${resolved.version}) did not start: ${message}${output}`,
    { cause: error },
  )
}
