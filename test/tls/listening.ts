/** A listener with TLS by itself, without apps: what it gives is answered by the test. */
import type { HostExchange } from "../../host/exchange.ts"
import { createListener } from "../../host/listener/create-listener.ts"
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from "../../host/listener/http-settings.ts"
import { createServices } from "../../host/listener/http1/services.ts"
import { createRequestIds } from "../../host/listener/request-ids.ts"
import { Tls } from "../../host/listener/tls/tls.ts"
import type { TlsSettings } from "../../host/listener/tls/tls-settings.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import type { Issued } from "./certificates.ts"

const nothing = () => undefined
const LOG = {
  ...{ info: nothing, warn: nothing, error: nothing, request: nothing },
  outputOf(): never {
    throw new Error("no app speaks here")
  },
}

const PLAIN: TlsSettings = {
  certificates: [],
  acme: null,
  minVersion: "TLSv1.2",
  clientAuth: null,
  hsts: "",
  redirect: false,
}

export async function listenWith(
  files: Issued | null,
  settings: Partial<HttpSettings>,
  handle: (exchange: HostExchange) => void,
  more: Partial<TlsSettings> = {},
) {
  const certificates = files === null ? [] : [{ certFile: files.cert, keyFile: files.key }]
  const tls = await Tls.start({ ...PLAIN, certificates, ...more }, LOG)
  const services = createServices({
    settings: { ...DEFAULT_HTTP_SETTINGS, ...settings },
    errorPages: new Map(),
    ids: createRequestIds(),
    streamed: new StreamedBytes(null),
    handle,
    refused: nothing,
  })
  const connections = { closed: 0 }
  const { count } = services
  const remove = count.remove.bind(count)
  count.remove = (address) => {
    connections.closed++
    remove(address)
  }
  const listener = await createListener({ host: "127.0.0.1", port: 0, tls: true }, services, tls)
  return {
    url: listener.url,
    tls,
    connections,
    async close(): Promise<void> {
      listener.destroy()
      await listener.close()
      await tls.close()
    },
  }
}
