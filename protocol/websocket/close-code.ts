/** Close codes of WebSocket connections (RFC 6455 7.4). */

/** An endpoint may send it in a close frame: registered and meant for that, or of libraries and apps. */
export function mayClose(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_CODE && code !== NO_CLOSE
}

/** The close frame had no code. */
export const NO_CODE = 1005
/** There was no close frame. */
export const NO_CLOSE = 1006
/** The server broke off: its app failed or is gone. */
export const INTERNAL_ERROR = 1011
