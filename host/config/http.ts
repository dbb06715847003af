/** HttpSettings of a host config: what it gives, over the defaults. */
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from "../listener/http-settings.ts"
import { createTrustedProxies } from "../listener/trust-proxy.ts"
import type { HostConfigInput } from "./schema.ts"
import { http2SettingsOf } from "./tls.ts"
import { parseDuration, parseSize } from "./units.ts"

/** Undefined: not given, or wrong. */
export type HttpInput = {
  readonly [key in "limits" | "timeouts" | "trustProxy" | "http2"]?: HostConfigInput[key] | undefined
}

export function httpSettingsOf({
  limits = {},
  timeouts = {},
  trustProxy = [],
  http2,
}: HttpInput): HttpSettings {
  const defaults = DEFAULT_HTTP_SETTINGS
  const { connections = defaults.connections, connectionsPerAddress = "off" } = limits
  return {
    headerBytes: bytes(limits.headers, defaults.headerBytes),
    headerLines: limits.headerLines ?? defaults.headerLines,
    targetBytes: bytes(limits.target, defaults.targetBytes),
    headersMs: ms(timeouts.headers, defaults.headersMs),
    bodyMs: ms(timeouts.body, defaults.bodyMs),
    keepAliveMs: ms(timeouts.keepAlive, defaults.keepAliveMs),
    sendMs: ms(timeouts.send, defaults.sendMs),
    connections,
    connectionsPerAddress: connectionsPerAddress === "off" ? Number.POSITIVE_INFINITY : connectionsPerAddress,
    trustProxy: createTrustedProxies(trustProxy),
    http2: http2SettingsOf(http2),
  }
}

/** Several host configs make one host: the first that gives a key decides. */
export function firstOf(inputs: readonly HttpInput[]): HttpInput {
  return {
    limits: Object.assign({}, ...inputs.map((one) => one.limits).reverse()),
    timeouts: Object.assign({}, ...inputs.map((one) => one.timeouts).reverse()),
    trustProxy: inputs.find((one) => one.trustProxy !== undefined)?.trustProxy,
    http2: inputs.find((one) => one.http2 !== undefined)?.http2,
  }
}

function ms(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : (parseDuration(text) ?? fallback)
}

function bytes(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : (parseSize(text) ?? fallback)
}
