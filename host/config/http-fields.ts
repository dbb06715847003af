/**
 * Fields of the host config that are about HTTP itself (`limits`, `timeouts`, `trustProxy`), and `errorPages`, which an app
 * has too. Owns what each may hold; the numbers that come of it are `http.ts`'s, the files `error-pages.ts`'s.
 */
import { z } from "zod"
import { trustProxyProblem } from "../listener/trust-proxy.ts"
import { duration, expected, text, whole } from "./schema-fields.ts"
import { suggest } from "./suggest.ts"
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from "./units.ts"

const MAX_CONNECTIONS = 1_000_000
const COUNT_OR_OFF = expected(`a whole number from 1 to ${MAX_CONNECTIONS}, or "off"`)

export const httpLimits = z
  .strictObject(
    {
      headers: sizeFromTo("1KB", "64KB")
        .optional()
        .describe(
          "Largest request header section: all field lines with their line ends. More is answered with 431. " +
            'From "1KB" to "64KB". Default: "64KB".',
        ),
      headerLines: whole(1, 10_000)
        .optional()
        .describe("Most field lines of a request. More is answered with 431. Default: 1000."),
      target: sizeFromTo("256B", "64000B")
        .optional()
        .describe(
          "Longest request target (path and query). More is answered with 414. " +
            'From "256B" to "64000B". Default: "16KB".',
        ),
      connections: whole(1, MAX_CONNECTIONS)
        .optional()
        .describe("Most connections open at a time. One more is answered with 503. Default: 10000."),
      connectionsPerAddress: z
        .union([whole(1, MAX_CONNECTIONS), z.literal("off", COUNT_OR_OFF)], COUNT_OR_OFF)
        .optional()
        .describe('The same for one client address (IPv6: one /64 network). Default: "off".'),
    },
    expected('an object such as {"headers": "32KB", "connectionsPerAddress": 100}'),
  )
  .describe('What clients may send and hold open. Limits of apps stand in "defaults" or in each app.')

export const httpTimeouts = z
  .strictObject(
    {
      headers: durationFrom("1ms")
        .optional()
        .describe(
          "From the first byte of a request until its head is whole, whatever trickles in. Then 408. " +
            'Default: "15s".',
        ),
      body: duration.optional().describe('Longest silence within a request body. Then 408. Default: "30s".'),
      keepAlive: durationFrom("1s")
        .optional()
        .describe('A connection without a request is closed after this time. From "1s". Default: "75s".'),
      send: duration
        .optional()
        .describe('A client that takes no byte of an answer for this long is cut off. Default: "60s".'),
    },
    expected('an object such as {"headers": "10s", "keepAlive": "30s"}'),
  )
  .describe('Deadlines of clients. Those of apps stand in "defaults" or in each app.')

export const trustProxy = z
  .array(
    text("an address or network").superRefine((value, context) => {
      if (value === "") return // Already said.
      const message = trustProxyProblem(value)
      if (message !== null) context.addIssue({ code: "custom", message })
    }),
    expected('a list such as ["loopback", "10.0.0.0/8"]'),
  )
  .describe(
    "Peers whose forwarded header lines (X-Forwarded-For and the like) are believed: addresses, networks, " +
      '"loopback", "private" or "unix". Default: nobody.',
  )

/** `codes`: the reason codes that can happen where the pages stand. */
export function errorPages(codes: readonly string[], folder: string) {
  const form = `a status such as "404", a class ("4xx" or "5xx") or a reason code (${codes.join(", ")})`
  const error = ({ input }: { readonly input?: unknown }): string => {
    const nearest = suggest(String(input), ["4xx", "5xx", ...codes])
    return `expected ${form}${nearest === null ? "" : `. Did you mean "${nearest}"?`}`
  }
  return z
    .record(
      z.string().regex(new RegExp(`^(?:[45][0-9]{2}|[45]xx|${codes.join("|")})$`), { error }),
      text(`the path of a file in ${folder}`),
      expected('an object such as {"404": "404.html", "5xx": "sorry.html"}'),
    )
    .describe(
      `Pages in place of the host's error answers, by status, class or reason code: paths of .html, .json or text files in ${folder}. ` +
        "{{status}} {{code}} {{title}} {{requestId}} {{app}} are filled in.",
    )
}

/** A size within bounds, both included; never "off". */
function sizeFromTo(least: string, most: string): z.ZodString {
  const form = expected(`a size from "${least}" to "${most}"`)
  const [min, max] = [parseSize(least) ?? 0, parseSize(most) ?? 0]
  return z
    .string(form)
    .regex(withoutOff(SIZE_PATTERN), { ...form, abort: true })
    .refine((value) => {
      const bytes = parseSize(value)
      return bytes !== null && bytes >= min && bytes <= max
    }, form)
}

/** A duration that is not too short; never "off". */
function durationFrom(least: string): z.ZodString {
  const form = expected(`a duration from "${least}" to 24 days, such as "15s"; it cannot be "off"`)
  const min = parseDuration(least) ?? 0
  return z
    .string(form)
    .regex(withoutOff(DURATION_PATTERN), { ...form, abort: true })
    .refine((value) => (parseDuration(value) ?? 0) >= min, form)
}

function withoutOff(pattern: RegExp): RegExp {
  return new RegExp(pattern.source.replace("off|", ""))
}
