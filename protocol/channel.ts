/**
 * Channel: an ordered, reliable, two-way pipe of bytes between host and guest. It knows no meaning.
 * Meaning on top of it is a connection: `host-connection.ts` and `guest-connection.ts`.
 * Implementations: `runtimes/socket-channel.ts` (unix socket) and `memory-channel.ts` (tests).
 */
export interface Channel {
  /** Sends the chunks in order. The receiver may keep views of them: never write into them again. */
  write(chunks: readonly Uint8Array[]): void
  /** Bytes accepted by `write` that the other side's operating system has not taken yet. */
  readonly bufferedBytes: number
  /** Installs the only reader. Chunks that arrived before are delivered at once. */
  listen(listener: ChannelListener): void
  /** Ends the channel now. The listener's `ended` follows exactly once, whoever closed. */
  close(reason: string): void
}

export interface ChannelListener {
  data(chunk: Uint8Array): void
  /** Called once, last. After it nothing arrives and `write` does nothing. */
  ended(reason: string): void
}
