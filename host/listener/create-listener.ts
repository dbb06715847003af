/** Chooses the listener for an address: with TLS or without. All that the host makes listeners with. */
import type { ListenerServices } from "./http1/services.ts"
import type { ListenAddress, Listener } from "./listener.ts"
import { createPlainListener } from "./plain-listener.ts"

/** @throws PolyhostError HOST_LISTEN_FAILED */
export function createListener(address: ListenAddress, services: ListenerServices): Promise<Listener> {
  return createPlainListener(address, services)
}
