/**
 * Shapes of the control messages that a guest sends, checked by zod on arrival (only the host imports this file; the
 * request path has none of it). Sizes are bounded by the frame (64 KiB).
 */
import * as z from "zod"

/** guest → host, first: who connects. `token` was given to this launch and is good for one connection. */
export const helloSchema = z.object({
  protocol: z.string().max(16),
  token: z.string().max(128),
  runtime: z.object({ name: z.string().max(32), version: z.string().max(64) }),
  pid: z.number().int().nonnegative(),
  features: z.array(z.string().max(64)).max(64),
})
export type Hello = z.infer<typeof helloSchema>

/**
 * guest → host: `lifespan.startup.complete`. A server app says where it listens: path of a unix socket. A fetch app says
 * whether it takes WebSocket connections.
 */
export const startupCompleteSchema = z.discriminatedUnion("interface", [
  z.object({ interface: z.literal("fetch"), websocket: z.boolean().optional() }),
  z.object({ interface: z.literal("server"), path: z.string().max(1024) }),
])
export type StartupComplete = z.infer<typeof startupCompleteSchema>

/** guest → host: `lifespan.startup.failed`. */
export const startupFailedSchema = z.object({
  code: z.string().max(64),
  message: z.string(),
  stack: z.string().optional(),
})
export type StartupFailed = z.infer<typeof startupFailedSchema>

/** guest → host: a line for the app's log (`ctx.log`, the guest's own remarks). */
export const logSchema = z.object({
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
})
export type Log = z.infer<typeof logSchema>

/** guest → host: `lifespan.shutdown.complete`. */
export const shutdownCompleteSchema = z.object({})
