/**
 * The vocabulary: what each frame carries. Control messages are JSON; requests and responses are binary.
 * The reader learns the system from this file. Words follow ASGI where the event is the same.
 */
export type { Hello, Log, StartupComplete, StartupFailed } from "./schemas.ts"

/** host → guest, first: what to be. */
export interface Welcome {
  protocol: string
  app: { name: string; dir: string; entry: string; generation: number; instance: string }
  interface: "auto" | "fetch" | "server"
  /** Folder for private sockets and the first part of their names. */
  socketDir: string
  socketPrefix: string
  /** Body bytes in flight per stream and direction before credit is needed. */
  windowBytes: number
  /** What the app may call by name; an older host says nothing of it. */
  bindings?: readonly WelcomeBinding[]
}

export interface WelcomeBinding {
  readonly name: string
  /** `app`: `fetch` reaches another app; `store`: a key-value store. */
  readonly kind: "app" | "store"
}

/** host → guest: `lifespan.shutdown`. Finish what is in flight, run the app's `close`, answer complete. */
export interface Shutdown {
  reason: string
  graceMs: number
}

/*
 * http.request payload, host → guest (flag END: no body follows)
 *   u8 method bytes · u8 marks (1 https, 2 the client waits for 100) · u16 target bytes · u16 host bytes · u16 client address bytes
 *   u32 header block bytes · method · target · host · client address · header block
 * http.response.start payload, guest → host (flag END: nothing follows)
 *   u16 status · u16 reason bytes (0: the usual phrase) · u32 header block bytes · reason · header block · body's first bytes
 * http.body payload, both ways: bytes of the body (flag END: the last)
 * http.credit payload, both ways: u32, more body bytes that the other side may send
 * http.disconnect payload, both ways: u8 reason; guest → host: a message in UTF-8 after it
 * websocket.connect payload, host → guest: as http.request
 * websocket.accept payload, guest → host
 *   u16 subprotocol bytes · u32 header block bytes · subprotocol (none: empty) · header block of the answer 101
 * websocket.message payload, both ways: bytes of a message or of a piece of one (flag END: the last piece; flag TEXT: UTF-8 text)
 * websocket.close payload, both ways: u16 code · reason in UTF-8
 * output payload, guest → host: u8 1 stdout, 2 stderr · bytes of the app's output, UTF-8, cut anywhere
 * call.request payload, guest → host (flag END: no body follows)
 *   u8 method bytes · u8 binding bytes · u16 URL bytes · u32 header block bytes · u48 stream of the http.request that it is made for, 0 not known
 *   method · binding · URL (absolute) · header block
 * call.response payload, host → guest: as http.response.start; call.body, call.credit, both ways: as http.body, http.credit
 * call.disconnect payload, both ways: u8 reason; host → guest: a message in UTF-8 after it
 * store.request payload, guest → host
 *   u8 1 get, 2 put, 3 delete, 4 list · u8 binding bytes · u16 key bytes · u32 number · u32 value bytes · binding · key · value
 *   number: of a put its seconds to live, 0 for ever; of a list the most keys. Of a list the key is a prefix, the value a cursor
 * store.response payload, host → guest: u8 0 ok, 1 absent, 2 error · of a get the value; of a list and an error JSON
 *   list: {keys: [{name, expiration?}], complete, cursor}, expiration in seconds since 1970; error: {code, message}
 */
/** Marks in http.request. */
export const MARK_HTTPS = 1
export const MARK_EXPECTS_CONTINUE = 2

export const REQUEST_FIXED_BYTES = 12
export const RESPONSE_FIXED_BYTES = 8
export const SOCKET_ACCEPT_FIXED_BYTES = 6
export const SOCKET_CLOSE_FIXED_BYTES = 2

/** Reasons in http.disconnect. */
export const DisconnectCode = {
  clientLeft: 1,
  timeout: 2,
  hostStopping: 3,
  /** guest → host: the app threw. */
  appError: 4,
  /** guest → host: what the app returned is not a response. */
  invalidResponse: 5,
} as const
