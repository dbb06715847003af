/** Fields of the host config about TLS, certificates and HTTP/2. What they come to is `tls.ts`. */
import { z } from "zod"
import { age, expected, flag, text, whole } from "./schema-fields.ts"

const hostName = text("a host name").regex(
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i,
  expected('a host name such as "shop.example.com"'),
)

const certificate = z.strictObject(
  {
    cert: text("the path of a file").describe("Certificate and those between it and its root, PEM."),
    key: text("the path of a file").describe("Its private key, PEM."),
  },
  expected('an object such as {"cert": "site.pem", "key": "site.key"}'),
)

const acme = z
  .strictObject(
    {
      hosts: z
        .array(
          hostName.refine((name) => !name.startsWith("*"), "a wildcard needs DNS, which is not spoken here"),
        )
        .min(1, expected("at least one host name"))
        .describe("Names to have certificates for, one each."),
      email: text("an address").optional().describe("Where the authority may write to."),
      agreeToTerms: z
        .literal(true, expected("true: you agree to the terms of the certificate authority"))
        .describe("You agree to the terms of service of the certificate authority."),
      directory: z
        .url({ protocol: /^https$/, ...expected("an https URL") })
        .optional()
        .describe("Directory URL of the authority (RFC 8555). Default: Let's Encrypt."),
      challenges: z
        .array(z.enum(["tls-alpn-01", "http-01"], expected("tls-alpn-01 or http-01")))
        .min(1, expected("at least one"))
        .optional()
        .describe('How to prove it, in order. Default: ["tls-alpn-01", "http-01"].'),
      ca: text("the path of a file")
        .optional()
        .describe("Root of the authority's own https, PEM: for one inside a company."),
      externalAccount: z
        .strictObject({
          id: text("a key identifier").describe("Key identifier from the authority."),
          key: text("a key").describe("MAC key from the authority, base64url."),
        })
        .optional()
        .describe("External account binding, where the authority wants one."),
    },
    expected('an object such as {"hosts": ["shop.example.com"], "agreeToTerms": true}'),
  )
  .describe("Certificates that the host gets and renews by itself.")

export const tls = z
  .strictObject(
    {
      certificates: z
        .array(certificate, expected("a list of certificates"))
        .optional()
        .describe(
          "Certificates from files, chosen by the names in them; the first answers for other names. Read again when they change.",
        ),
      acme: acme.optional(),
      minVersion: z
        .enum(["TLSv1.2", "TLSv1.3"], expected("TLSv1.2 or TLSv1.3"))
        .optional()
        .describe('Oldest version of TLS. Default: "TLSv1.2".'),
      clientAuth: z
        .strictObject(
          {
            ca: text("the path of a file").describe("Roots that clients' certificates must come from, PEM."),
            required: flag.optional().describe("Clients without one are refused. Default: true."),
          },
          expected('an object such as {"ca": "clients.pem"}'),
        )
        .optional()
        .describe("Clients show a certificate too (mTLS). Apps see it in the Client-Cert header (RFC 9440)."),
      hsts: z
        .union(
          [
            age,
            z.strictObject({
              maxAge: age.describe("How long browsers insist on https."),
              includeSubDomains: flag.optional().describe("Also for all names below. Default: false."),
              preload: flag.optional().describe("Consent to browsers' own lists. Default: false."),
            }),
          ],
          expected('a duration such as "365d", "off", or an object with "maxAge"'),
        )
        .optional()
        .describe('Strict-Transport-Security (RFC 6797) on answers over TLS. Default: "off".'),
      redirect: flag.optional().describe("Requests without TLS are sent to https by 308. Default: false."),
    },
    expected('an object such as {"certificates": [{"cert": "site.pem", "key": "site.key"}]}'),
  )
  .describe('TLS for addresses under "listen" that begin with https://.')

export const http2 = z
  .union(
    [
      flag,
      z.strictObject({
        cleartext: flag
          .optional()
          .describe("Also without TLS, for clients that begin with it (prior knowledge). Default: false."),
        streams: whole(1, 10_000).optional().describe("Requests at a time on one connection. Default: 128."),
      }),
    ],
    expected('true, false, or an object such as {"cleartext": true}'),
  )
  .describe("HTTP/2 (RFC 9113) for clients that ask for it by ALPN. Default: true.")
