/** The protocol between host and guest. Read `messages.ts` first, then `frames.ts`. */
export type { Channel, ChannelListener } from "./channel.ts"
export {
  CLIENT_ERRORS,
  type ClientErrorCode,
  type ErrorCode,
  isClientErrorCode,
  messageOf,
  PolyhostError,
} from "./errors.ts"
export type { DisconnectReason, Exchange, ExchangeHandler, RequestHead } from "./exchange.ts"
export { MAX_CHUNK_BYTES, MAX_PAYLOAD_BYTES, PROTOCOL_VERSION, WINDOW_BYTES } from "./frames.ts"
export { HostConnection, type HostConnectionEvents } from "./host-connection.ts"
export type { Hello, StartupComplete, StartupFailed, Welcome } from "./messages.ts"
