/**
 * The program of a cell of isolates: makes the snapshot, then starts what the host orders. Counterpart in the host: `runtime.ts`.
 */
import { readFileSync } from "node:fs"
import { messageOf } from "../../../protocol/errors.ts"
import { type CellMember, runCell } from "../../cell/inside/run-cell.ts"
import { IsolateMember, type IsolateParts } from "./isolate.ts"
import { createIsolateFactory } from "./isolate-factory.ts"
import { Watch } from "./limits/watch.ts"
import { Bundler } from "./modules/bundler.ts"
import { withSpare } from "./spare-isolate.ts"

const parts = prepare()
// Each start reports it.
parts.catch(() => undefined)

runCell(() => ({
  start(order, report) {
    let killed: string | null = null
    let running: CellMember | null = null
    const started: Promise<CellMember | null> = parts.then(({ remarks, ...rest }) => {
      if (killed !== null) return null
      if (remarks.length > 0) report.output("stderr", `${remarks.splice(0).join("\n")}\n`)
      running = new IsolateMember(order, report, rest)
      return running
    })
    started.catch((error: unknown) =>
      report.ended({ reason: messageOf(error), code: "APP_CRASHED", exitCode: null }),
    )
    return {
      inspector: () => running?.inspector?.() ?? null,
      async kill(reason) {
        killed = reason
        const member = await started.catch(() => null)
        await member?.kill(reason)
      },
    }
  },
}))

async function prepare(): Promise<IsolateParts & { remarks: string[] }> {
  const code = readFileSync(new URL("../isolate/inside.js", import.meta.url), "utf8")
  const factory = await createIsolateFactory(code)
  const watch = new Watch()
  return {
    factory: withSpare(factory, () => watch.disturbed()),
    bundler: new Bundler(),
    watch,
    remarks: factory.remarks.map((remark) => `isolates start from ${factory.kind}: ${remark}`),
  }
}
