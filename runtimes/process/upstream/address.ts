/** Where a server app listens: its private unix socket, or a port on loopback. */
export type UpstreamAddress = { readonly path: string } | { readonly host: string; readonly port: number }
