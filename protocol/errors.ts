/**
 * The one error type, and the table of reason codes that clients, logs and the admin API share.
 * A code's prefix says which folder raises it; codes of the APP_ and REQUEST_ families are answers to clients.
 */

/** Reason codes that a client can see, with the HTTP status and title they are answered with (DESIGN 4.5). */
export const CLIENT_ERRORS = {
  BAD_REQUEST: { status: 400, title: "The request is malformed" },
  NO_ROUTE: { status: 404, title: "No app is configured for this address" },
  FILE_FORBIDDEN: { status: 403, title: "This file may not be read" },
  FILE_NOT_FOUND: { status: 404, title: "There is no such file" },
  METHOD_NOT_ALLOWED: { status: 405, title: "This method is not allowed here" },
  REQUEST_INCOMPLETE: { status: 408, title: "The request did not arrive in time" },
  PRECONDITION_FAILED: { status: 412, title: "A condition of the request does not hold" },
  BODY_TOO_LARGE: { status: 413, title: "The request body is larger than this app accepts" },
  TARGET_TOO_LONG: { status: 414, title: "The address of the request is too long" },
  RANGE_NOT_SATISFIABLE: { status: 416, title: "The file has no such part" },
  EXPECTATION_FAILED: { status: 417, title: "The request expects something that is not supported" },
  HEADERS_TOO_LARGE: { status: 431, title: "The request headers are too large" },
  APP_ERROR: { status: 500, title: "The app failed to answer this request" },
  FILE_UNREADABLE: { status: 500, title: "The file could not be read" },
  NOT_IMPLEMENTED: { status: 501, title: "The request needs something that is not implemented here" },
  APP_CRASHED: { status: 502, title: "The app broke off while it was answering this request" },
  APP_PROTOCOL_ERROR: { status: 502, title: "The app broke the protocol between it and the host" },
  APP_OOM: { status: 502, title: "The app used more memory than it may" },
  APP_RESPONSE_INVALID: { status: 502, title: "The app gave a response that is not valid HTTP" },
  TOO_MANY_CONNECTIONS: { status: 503, title: "Too many connections are open" },
  APP_UNAVAILABLE: { status: 503, title: "The app is not available now" },
  QUEUE_FULL: { status: 503, title: "Too many requests are waiting for this app" },
  QUEUE_TIMEOUT: { status: 504, title: "The request waited too long for a free instance of the app" },
  REQUEST_TIMEOUT: { status: 504, title: "The app did not answer in time" },
  APP_CPU_LIMIT: { status: 504, title: "The app used more CPU time than a request may" },
  APP_WEDGED: { status: 504, title: "The app stopped responding and is being replaced" },
  CALL_LOOP: { status: 508, title: "Apps call each other in a loop" },
  VERSION_NOT_SUPPORTED: { status: 505, title: "This version of HTTP is not supported" },
} as const

export type ClientErrorCode = keyof typeof CLIENT_ERRORS

/** In one word, which of its limits an app went over: stands beside the code wherever one of these is reported. */
export type LimitReason = "oom" | "cpu" | "wall" | "crash"

const LIMIT_REASONS: Readonly<Partial<Record<string, LimitReason>>> = {
  APP_OOM: "oom",
  APP_CPU_LIMIT: "cpu",
  APP_WEDGED: "wall",
  REQUEST_TIMEOUT: "wall",
  RUNTIME_START_TIMEOUT: "wall",
  APP_CRASHED: "crash",
}

/** Undefined for a code that has nothing to do with a limit. */
export function limitReason(code: string): LimitReason | undefined {
  return LIMIT_REASONS[code]
}

/** Codes of errors that operators and embedders see: configuration, toolchain, launch, protocol. */
export type OperatorErrorCode =
  | "CONFIG_INVALID"
  | "CONFIG_NOT_FOUND"
  | "HOST_BUSY"
  | "HOST_CLOSED"
  | "HOST_INSPECTED"
  | "HOST_LISTEN_FAILED"
  | "HOST_NOT_RUNNING"
  | "HOST_RELOAD_FAILED"
  | "HOST_UNKNOWN_APP"
  | "HOST_UNKNOWN_INSTANCE"
  | "HOST_UNSUPPORTED_PLATFORM"
  | "PROTOCOL_VIOLATION"
  | "PROTOCOL_VERSION"
  | "RUNTIME_ENTRY_NOT_FOUND"
  | "RUNTIME_INSPECTOR_AT_START"
  | "RUNTIME_INSPECTOR_FAILED"
  | "RUNTIME_INTERFACE_UNKNOWN"
  | "RUNTIME_LOAD_FAILED"
  | "RUNTIME_NO_INSPECTOR"
  | "RUNTIME_PROGRAM_NOT_FOUND"
  | "RUNTIME_SPAWN_FAILED"
  | "RUNTIME_START_TIMEOUT"
  | "RUNTIME_UNSUPPORTED"
  | "TOOLCHAIN_NOT_FOUND"
  | "TOOLCHAIN_INSTALL_FAILED"
  | "TOOLCHAIN_INTEGRITY"
  | "TOOLCHAIN_DISK_FULL"

export type ErrorCode = ClientErrorCode | OperatorErrorCode

/**
 * What failed. `code` is stable and documented; `message` says what failed, for which app and runtime, what was
 * seen and what to do; `status` is the HTTP status a client gets (500 where none applies); `cause` is kept.
 */
export class PolyhostError extends Error {
  override readonly name = "PolyhostError"
  readonly code: ErrorCode
  readonly status: number

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
    this.status = isClientErrorCode(code) ? CLIENT_ERRORS[code].status : 500
  }
}

export function isClientErrorCode(code: string): code is ClientErrorCode {
  return Object.hasOwn(CLIENT_ERRORS, code)
}

/** The message of anything thrown, for logs. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
