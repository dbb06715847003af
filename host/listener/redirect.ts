/** What happens to requests that come without TLS where there is TLS: ACME's own are answered, others may be sent to https. */
import type { HostExchange } from "../exchange.ts"
import type { ListenerServices } from "./http1/services.ts"
import type { Tls } from "./tls/tls.ts"

/** The services of a listener without TLS. A unix socket's client is a proxy, which has met the clients itself: not for it. */
export function besideTls(services: ListenerServices, tls: Tls): ListenerServices {
  return {
    ...services,
    handle(exchange) {
      if (tls.answersFirst(exchange)) return
      const { httpsPort, settings } = tls
      // A trusted proxy says https where the client has spoken that to it.
      if (!settings.redirect || httpsPort === null || exchange.head.scheme === "https")
        services.handle(exchange)
      else redirect(exchange, httpsPort)
    },
  }
}

/** 308: the same method and body again, there (RFC 9110 15.4.9). */
function redirect(exchange: HostExchange, port: number): void {
  const { target, host } = exchange.head
  const name = host.replace(/:\d*$/, "")
  const origin = `https://${name}${port === 443 ? "" : `:${port}`}`
  const lines = `Location: ${origin}${target === "*" ? "/" : target}\r\n`
  exchange.respond({ status: 308, reason: "", lines: Buffer.from(lines, "latin1") }, null, true)
}
