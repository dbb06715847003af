/**
 * An inspector link: the two-way pipe of debugger messages (JSON text) to one running instance, whatever it lives in. What the
 * messages say is the affair of whoever debugs; a link only carries them, within bounds. Types and bounds only.
 * Made by `Instance.openInspector`, used by `host/inspect/`.
 */

/** Longest message either way. A heap snapshot comes in many small ones. */
export const MAX_INSPECTOR_MESSAGE_BYTES = 64 * 1024 * 1024

/** `v8`: the Chrome DevTools Protocol. `webkit`: JavaScriptCore's own, which DevTools does not speak. */
export type InspectorProtocol = "v8" | "webkit"

export interface InspectorLink {
  readonly protocol: InspectorProtocol
  /** Begins to take messages; none is lost before. Called once. `closed` is called once, not for a `close` of one's own. */
  listen(events: InspectorEvents): void
  /** A message to the instance. Does nothing once the link is closed. */
  send(text: string): void
  /** No more messages for now: they wait where they come from. */
  pause(): void
  resume(): void
  /** Ends the session: what was paused runs on, and what was opened for it is closed again. Callers share one promise; never rejects. */
  close(): Promise<void>
}

export interface InspectorEvents {
  message(text: string): void
  closed(reason: string): void
}
