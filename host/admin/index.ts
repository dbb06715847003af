/** The admin API: its servers, and the client that the command line uses. */
export { type AdminHost, answerCall } from "./calls.ts"
export { type AdminAnswer, type AdminCall, callAdmin } from "./client.ts"
export type { InspectHost } from "./inspect-calls.ts"
export { download, openSession } from "./inspect-client.ts"
export { type AdminServer, serveAdminSocket, serveAdminTcp, type TcpAdminServer } from "./server.ts"
export { adminSocketPath, connectPath } from "./socket-place.ts"
