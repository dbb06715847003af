/** What node:http2 and nghttp2 are told for each connection: what clients may do, and what ends a connection without our asking. */
import type { ServerSessionOptions } from "node:http2"
import type { HttpSettings } from "../http-settings.ts"

/** A client may send so much of a body ahead of what the app has asked for. */
export const STREAM_WINDOW_BYTES = 256 * 1024
/** node:http2 gives the connection's window back as data comes; what is held back is held by the streams' own. */
export const CONNECTION_WINDOW_BYTES = 1024 * 1024
/** RFC 9113 10.5.1 counts so many bytes for a field beside its name and value. */
const FIELD_BYTES = 32
/** What is a little over the limits gets an answer that says so; what is far over is reset before it is read. */
const PSEUDO_FIELDS = 5
const FIELDS_OVER = 64
/** Frames that nghttp2 refuses, and streams above the limit: no client of good will comes near. */
const MOST_INVALID_FRAMES = 100
const MOST_REJECTED_STREAMS = 100
/** Head of an answer, which may set many cookies. */
const LONGEST_ANSWER_HEAD = 1024 * 1024

export type SessionOptions = ServerSessionOptions & { readonly strictSingleValueFields: boolean }

export function sessionOptions({
  headerBytes,
  headerLines,
  targetBytes,
  http2,
}: HttpSettings): SessionOptions {
  const fields = headerLines + PSEUDO_FIELDS + FIELDS_OVER
  return {
    maxHeaderListPairs: fields,
    maxSendHeaderBlockLength: LONGEST_ANSWER_HEAD,
    maxSessionInvalidFrames: MOST_INVALID_FRAMES,
    maxSessionRejectedStreams: MOST_REJECTED_STREAMS,
    // What an app says twice goes out twice, as in HTTP/1.1.
    strictSingleValueFields: false,
    settings: {
      maxConcurrentStreams: http2.streams,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: 2 * headerBytes + targetBytes + fields * FIELD_BYTES,
    },
  }
}
