/** WebSocketAcceptor by `ws`: the host's end of the WebSocket connections of a fetch app. */
import { PolyhostError } from "../../protocol/errors.ts"
import type { WebSocketAcceptor } from "../../protocol/websocket.ts"
import type { WebSocketLimits } from "../../runtimes/app-spec.ts"

export function createWebSocketAcceptor(_limits: WebSocketLimits): WebSocketAcceptor {
  return {
    check: () => true,
    accept() {
      throw new PolyhostError("APP_RESPONSE_INVALID", "not written yet")
    },
  }
}
