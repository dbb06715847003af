/**
 * A session with the authority: its directory read, the account there. Lives for one certificate; all its requests end with it.
 * Signing, nonces and the vocabulary of RFC 8555 are acme-client's; how its requests travel is `transport.ts`.
 */
import { readFile } from "node:fs/promises"
import type { Client } from "acme-client"
import { messageOf } from "../../protocol/errors.ts"
import type { AcmeSettings } from "../listener/tls/tls-settings.ts"
import { AuthorityError } from "./authority-error.ts"
import type { Clock } from "./clock.ts"
import { createTransport, type Transport } from "./transport.ts"

type Account = Awaited<ReturnType<Client["createAccount"]>>

export type AcmeLibrary = typeof import("acme-client")

export interface Session {
  readonly library: AcmeLibrary
  readonly client: Client
  /** Where the account is at the authority. */
  readonly accountUrl: string
  readonly clock: Clock
  readonly signal: AbortSignal
  /** See Transport. */
  readonly retryAfterMs: number
  close(): void
}

export interface SessionParts {
  readonly settings: AcmeSettings
  readonly directoryUrl: string
  readonly accountKey: (make: () => Promise<string>) => Promise<string>
  /** As an earlier session had it; "" asks the authority. */
  readonly accountUrl: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** @throws AuthorityError */
export async function openSession(parts: SessionParts): Promise<Session> {
  const { settings, directoryUrl, clock, signal } = parts
  const { caFile } = settings
  const ca = caFile === null ? null : await readRoot(caFile)
  const library = await loadLibrary()
  const accountKey = await parts.accountKey(async () =>
    String(await library.crypto.createPrivateEcdsaKey("P-256")),
  )
  const transport = createTransport({ ca, clock, signal })
  try {
    const client = createClient(library, transport, { ...parts, accountKey })
    if (parts.accountUrl === "") await openAccount(client, settings)
    else await client.getTermsOfServiceUrl() // Reads the directory: whether the authority is there at all.
    return {
      library,
      client,
      accountUrl: client.getAccountUrl(),
      clock,
      signal,
      get retryAfterMs() {
        return transport.retryAfterMs
      },
      close: transport.close,
    }
  } catch (error) {
    transport.close()
    throw error instanceof AuthorityError
      ? error
      : new AuthorityError(`${directoryUrl}: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Only when there is something to get: it costs a tenth of a second and some 30 MiB, and adds to the global Reflect. It is CommonJS, of
 * which a bundle's `import()` has the default alone.
 */
async function loadLibrary(): Promise<AcmeLibrary> {
  const module = (await import("acme-client")) as unknown as { readonly default: AcmeLibrary }
  return module.default
}

function createClient(
  library: AcmeLibrary,
  transport: Transport,
  {
    directoryUrl,
    accountKey,
    accountUrl,
    settings,
  }: Omit<SessionParts, "accountKey"> & { accountKey: string },
): Client {
  const { externalAccount } = settings
  const client = new library.Client({
    directoryUrl,
    accountKey,
    ...(accountUrl === "" ? {} : { accountUrl }),
    ...(externalAccount === null
      ? {}
      : { externalAccountBinding: { kid: externalAccount.id, hmacKey: externalAccount.key } }),
  })
  const { http } = client as unknown as { http?: { request?: unknown } }
  // Not part of its types: a version that does otherwise must not go by axios unseen.
  if (typeof http?.request !== "function") throw new Error("acme-client has no http.request any more")
  http.request = transport.request
  return client
}

/**
 * The account of the key (RFC 8555 7.3). It is looked for first: one that acme-client finds when it meant to make it is updated with
 * the same data, and an update that changes nothing is refused by some authorities (pebble: 400).
 */
async function openAccount(client: Client, { email }: AcmeSettings): Promise<void> {
  const contact = email === null ? [] : [`mailto:${email}`]
  const found = await findAccount(client)
  if (found === null) {
    // The configuration is not valid without `agreeToTerms`.
    await client.createAccount({ termsOfServiceAgreed: true, ...(email === null ? {} : { contact }) })
  } else if (email !== null && found.contact?.join() !== contact.join())
    await client.updateAccount({ contact })
}

async function findAccount(client: Client): Promise<Account | null> {
  try {
    return await client.createAccount({ onlyReturnExisting: true })
  } catch (error) {
    // Whatever else it says no to: some ask for an external account before they look.
    if (error instanceof AuthorityError && error.status >= 400 && error.status < 500 && error.status !== 429)
      return null
    throw error
  }
}

async function readRoot(caFile: string): Promise<string> {
  try {
    return await readFile(caFile, "utf8")
  } catch (error) {
    throw new AuthorityError(`tls.acme.ca ${caFile}: ${messageOf(error)}`, { type: "badFile", cause: error })
  }
}
