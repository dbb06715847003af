/**
 * Fields that the host config and the app manifest share, and the wording of what each may hold.
 * The two documents made of them are in `schema.ts`.
 */
import { z } from "zod"
import { RUNTIME_NAMES } from "../../runtimes/app-spec.ts"
import { parseRoute } from "./routes.ts"
import { parseRuntimeText } from "./runtime-text.ts"
import {
  DURATION_FORM,
  DURATION_PATTERN,
  parseAge,
  parseDuration,
  parseSize,
  SIZE_FORM,
  SIZE_PATTERN,
} from "./units.ts"
import { parseVersion, VERSION_FORM } from "./versions.ts"

const NAME_PATTERN = /^[a-z0-9-]{1,63}$/
const NAME_FORM = "1 to 63 of a-z, 0-9 and -"

export const name = z.string(expected(NAME_FORM)).regex(NAME_PATTERN, expected(NAME_FORM))

export const duration = z
  .string(expected(DURATION_FORM))
  .regex(DURATION_PATTERN, { ...expected(DURATION_FORM), abort: true })
  .refine((text) => parseDuration(text) !== null, "a duration must be above zero and at most 24 days")

export const size = z
  .string(expected(SIZE_FORM))
  .regex(SIZE_PATTERN, { ...expected(SIZE_FORM), abort: true })
  .refine((text) => parseSize(text) !== null, "the size is too large")

/** How long something may be kept; longer than any timer of ours. */
export const age = z
  .string(expected(DURATION_FORM))
  .regex(DURATION_PATTERN, { ...expected(DURATION_FORM), abort: true })
  .refine((text) => parseAge(text) !== null, "at most ten years")

export const flag = z.boolean(expected("true or false"))

const version = z
  .string(expected(VERSION_FORM))
  .refine((text) => parseVersion(text) !== null, `no such version or range; expected ${VERSION_FORM}`)

export const runtimeText = z
  .string(expected('a runtime such as "node", "node@22" or "bun@^1.3"'))
  .superRefine((text, context) => {
    const parsed = parseRuntimeText(text)
    if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem })
  })

export const runtimeObject = z.strictObject({
  name: z.enum(RUNTIME_NAMES, expected(`one of ${RUNTIME_NAMES.join(", ")}`)).describe("Kind of runtime."),
  version: version.optional().describe('Version or range: "22", "^22.12", "lts", "latest". Default: any.'),
  path: text("the path of a program")
    .optional()
    .describe("Program to use, relative to the app's folder; nothing is installed then."),
  args: z
    .array(text("an argument"), expected("a list of arguments"))
    .optional()
    .describe("Arguments for the runtime itself, before the entry."),
})

export const route = text("a route").superRefine((value, context) => {
  if (value === "") return // Already said.
  const parsed = parseRoute(value)
  if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem })
})

export const instances = z
  .union(
    [
      whole(1, 1000),
      z
        .strictObject({
          min: whole(0, 1000).optional().describe("Fewest; 0 lets the app stop when idle. Default: 1."),
          max: whole(1, 1000).optional().describe("Most. Default: min, at least 1."),
        })
        .refine(({ min, max }) => (min ?? 0) <= (max ?? 1000), '"min" is above "max"'),
    ],
    expected('a whole number from 1 to 1000, or {"min": 0, "max": 4}'),
  )
  .describe('How many instances run: a number, or {"min", "max"}. Default: 1.')

export const concurrency = whole(1, 100_000).describe("Requests in flight in one instance. Default: 100.")

export const env = z
  .record(
    z.string().regex(/^[^=\0]+$/, expected('a variable name without "="')),
    z.union(
      [text("", 0).refine((value) => !value.includes("\0"), "a value holds no NUL"), z.number(), z.boolean()],
      expected("a string, number or boolean"),
    ),
    expected("an object of variables"),
  )
  .describe("Environment variables of the app.")

export const limits = z
  .strictObject(
    {
      memory: size
        .optional()
        .describe(
          "Memory at which an instance is killed: heap of a thread, memory of an isolate. Default: 128MB for isolates. Not enforced for processes by this version.",
        ),
      memorySoft: size
        .optional()
        .describe("Memory at which an instance is replaced. Not enforced for processes by this version."),
      cpu: duration
        .optional()
        .describe(
          "Isolates: CPU time of one request; over it the instance is ended, and before `timeouts.wedge` in any case. Default: 4s.",
        ),
      cpuSoft: duration
        .optional()
        .describe('Isolates: CPU time of one request at which the instance is replaced. Default: "off".'),
      files: whole(16, 1_048_576)
        .optional()
        .describe("Open files of an instance. Not enforced by this version."),
      requestBody: size
        .optional()
        .describe('Largest request body; a larger one is answered with 413. Default: "off".'),
    },
    expected("an object of limits"),
  )
  .describe("What an instance may use.")

export const timeouts = z
  .strictObject(
    {
      start: duration.optional().describe('From spawning an instance until it is ready. Default: "15s".'),
      request: duration.optional().describe('From admitting a request to its response head. Default: "60s".'),
      stream: duration
        .optional()
        .describe('Longest silence after the response head, either way. Default: "5m".'),
      wedge: duration.optional().describe('An instance silent for this long is replaced. Default: "5s".'),
      queue: duration.optional().describe('Longest wait for a free instance. Default: "30s".'),
      idle: duration
        .optional()
        .describe('Instances above the minimum stop after this time without requests. Default: "off".'),
      drain: duration
        .optional()
        .describe('Time for requests in flight when an instance stops. Default: "15s".'),
      kill: duration.optional().describe('From asking a process to end until it is killed. Default: "5s".'),
    },
    expected("an object of durations"),
  )
  .describe("Deadlines. Every wait has one.")

export const queue = z
  .strictObject(
    { max: whole(0, 1_000_000).optional().describe("Default: 100.") },
    expected('an object such as {"max": 100}'),
  )
  .describe("Requests that may wait for a free instance.")

export const health = z
  .strictObject(
    {
      path: text("a path")
        .startsWith("/", expected('a path that starts with "/"'))
        .describe("Path that answers 2xx when the app is well."),
      interval: duration.optional().describe('Time between checks. Default: "10s".'),
    },
    expected('an object such as {"path": "/healthz"}'),
  )
  .describe("A path that is asked regularly.")

export function expected(what: string): { error: string } {
  return { error: `expected ${what}` }
}

export function text(what: string, min = 1): z.ZodString {
  const error = expected(what === "" ? "a string" : `${what}, as a string`)
  return z.string(error).min(min, error)
}

export function whole(min: number, max: number): z.ZodNumber {
  const error = expected(`a whole number from ${min} to ${max}`)
  return z.number(error).int(error).min(min, error).max(max, error)
}
