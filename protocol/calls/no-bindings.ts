/** What a guest without bindings is told when it calls all the same. */
import { encodeText } from "../control.ts"
import { StoreOutcome } from "./call-frames.ts"
import type { CallHandlers } from "./call-server.ts"

export const NO_BINDINGS: CallHandlers = {
  call: (call) => call.fail("refused", `there is no binding ${call.head.binding}`),
  store: (request) => {
    const error = { code: "STORE_UNKNOWN", message: `there is no binding ${request.binding}` }
    request.answer(StoreOutcome.error, encodeText(JSON.stringify(error)))
  },
}
