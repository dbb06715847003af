/** A child of the run: executes one file after another, each in an isolate of its own. A crash costs the file in hand. */

import type { ChildSetup, FromChild, ToChild } from "./messages.ts"
import { runFile } from "./run-file.ts"

const state: { setup: ChildSetup | null } = { setup: null }

process.on("message", (message: ToChild) => {
  if ("setup" in message) {
    state.setup = message.setup
    say({ ready: true })
  } else {
    void runFile(state.setup!, message.task).then((result) => say({ result }))
  }
})
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))

function say(message: FromChild): void {
  process.send!(message)
}
