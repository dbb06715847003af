/** Chooses the listener for an address: with TLS or without. All that the host makes listeners with. */
import { PolyhostError } from "../../protocol/errors.ts"
import type { ListenerServices } from "./http1/services.ts"
import type { ListenAddress, Listener } from "./listener.ts"
import { createPlainListener } from "./plain-listener.ts"
import { besideTls } from "./redirect.ts"
import { createTlsListener } from "./tls/listener.ts"
import type { Tls } from "./tls/tls.ts"

/** `tls`: null when the host has no certificates. @throws PolyhostError HOST_LISTEN_FAILED */
export async function createListener(
  address: ListenAddress,
  services: ListenerServices,
  tls: Tls | null = null,
): Promise<Listener> {
  if ("path" in address) return createPlainListener(address, services)
  if (address.tls !== true)
    return createPlainListener(address, tls === null ? services : besideTls(services, tls))
  if (tls === null)
    throw new PolyhostError(
      "HOST_LISTEN_FAILED",
      `https://${address.host}:${address.port} needs a certificate`,
    )
  const listener = await createTlsListener(address, services, tls)
  tls.httpsPort ??= Number(new URL(listener.url).port || 443)
  return listener
}
