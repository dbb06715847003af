/**
 * What the guest of fetch apps needs of its platform beyond ECMAScript and the web's own classes. Node, Bun and Deno
 * give their Buffer (`node-platform.ts`), an isolate a few loops (`runtimes/isolate/inside/`).
 */
export interface GuestPlatform {
  latin1(bytes: Uint8Array, start: number, end: number): string
  utf8(text: string): Uint8Array
  /** UTF-8 as a string; a byte order mark stays. */
  text(bytes: Uint8Array): string
  /** How many bytes `utf8` gives. */
  utf8Length(text: string): number
  concat(chunks: readonly Uint8Array[]): Uint8Array
  /** A message for whoever runs the app, on its stderr. */
  reportError(text: string): void
}
