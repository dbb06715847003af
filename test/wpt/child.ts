/** A child of the run: executes one file after another, each in an isolate of its own. A crash costs the file in hand. */

import { createFactory, type Factory } from "./factory.ts"
import type { FromChild, ToChild } from "./messages.ts"
import { runFile } from "./run-file.ts"

const state: { factory: Factory | null } = { factory: null }

process.on("message", (message: ToChild) => {
  if ("setup" in message) {
    state.factory = createFactory(message.setup.bundle)
    say({ ready: true })
  } else {
    void runFile(state.factory!, message.task).then((result) => say({ result }))
  }
})
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))

function say(message: FromChild): void {
  process.send!(message)
}
