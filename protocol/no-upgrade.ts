/** `Exchange.upgrade` where no connection could be switched to another protocol. */
import { PolyhostError } from "./errors.ts"

/** @throws PolyhostError APP_RESPONSE_INVALID, always. */
export function noUpgrade(): never {
  throw new PolyhostError("APP_RESPONSE_INVALID", "status 101 for a request that asked for no other protocol")
}
