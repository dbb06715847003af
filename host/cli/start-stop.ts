/** `polyhost start APP`, `polyhost stop APP`, `polyhost reload APP`. */
import type { AppState, AppStatus } from "../index.ts"
import { type CommandCall, type CommandProgram, EXIT_DONE, EXIT_FAILED } from "./command.ts"
import { askHost } from "./find-host.ts"
import { appsText } from "./status-text.ts"

export const START: CommandProgram = {
  run: (call) => act(call, "start", ["running", "idle", "degraded"]),
}

export const STOP: CommandProgram = {
  run: (call) => act(call, "stop", ["stopped"]),
}

export const RELOAD: CommandProgram = {
  run: (call) => act(call, "reload", ["running", "idle", "degraded"]),
}

/** `wanted`: the states that mean that it worked. */
async function act(call: CommandCall, verb: string, wanted: readonly AppState[]): Promise<number> {
  const { words, terminal } = call
  const path = `/v1/apps/${encodeURIComponent(words[0] ?? "")}/${verb}`
  const { text } = await askHost(call, { method: "POST", path })
  const app = JSON.parse(text) as AppStatus
  terminal.out(call.flag("json") ? text : appsText([app]))
  return wanted.includes(app.state) ? EXIT_DONE : EXIT_FAILED
}
