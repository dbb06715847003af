/**
 * The head that a server app's own server must take: all that the host lets through (64 KiB of header lines, a target of as much)
 * and what it adds. Node and Bun refuse heads over 16 KiB unless told so; the host's limits are the ones that are configured.
 */
export const HEAD_BYTES_FLAG = `--max-http-header-size=${144 * 1024}`
