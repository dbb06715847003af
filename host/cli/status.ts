/** `polyhost status [APP]`: what a running host says about itself. */
import type { AppStatus, HostStatus } from "../index.ts"
import { type CommandCall, EXIT_DONE } from "./command.ts"
import { askHost } from "./find-host.ts"
import { appText, hostText } from "./status-text.ts"

export async function run(call: CommandCall): Promise<number> {
  const { words, terminal } = call
  const [name] = words
  const path = name === undefined ? "/v1/status" : `/v1/apps/${encodeURIComponent(name)}`
  const { text } = await askHost(call, { method: "GET", path })
  if (call.flag("json")) terminal.out(text)
  else if (name === undefined) terminal.out(hostText(JSON.parse(text) as HostStatus))
  else terminal.out(appText(JSON.parse(text) as AppStatus))
  return EXIT_DONE
}
