/** Shapes of what cells say, checked by zod on arrival. Only the host imports this file. */
import * as z from "zod"
import { CLIENT_ERRORS, type ClientErrorCode } from "../../protocol/errors.ts"
import type { CellToHost } from "./cell-messages.ts"

const id = z.string().max(128)
const reason = z.string().max(8 * 1024)
const code = z.enum(Object.keys(CLIENT_ERRORS) as [ClientErrorCode, ...ClientErrorCode[]])

export const cellMessageSchema: z.ZodType<CellToHost> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), token: z.string().max(128) }),
  z.object({ type: z.literal("pong") }),
  z.object({ type: z.literal("thread"), id, threadId: z.number().int() }),
  z.object({ type: z.literal("busy"), id, isBusy: z.boolean() }),
  z.object({ type: z.literal("ended"), id, reason, code, exitCode: z.number().int().nullable() }),
  z.object({ type: z.literal("retire"), id, reason, code: code.nullable() }),
  z.object({ type: z.literal("poisoned"), id: id.nullable(), reason, code }),
  z.object({ type: z.literal("output"), id, stream: z.enum(["stdout", "stderr"]), text: z.string() }),
])
