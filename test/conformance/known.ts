/**
 * Cells that are not `ok` and may stay so for now, each with its reason: a footnote of the table. `as direct`: the runtime's own
 * server does the same without the host, which is checked by running it. `FAIL`: the host is at fault. A cell that comes to pass
 * must be removed here: a test fails until it is.
 */
export interface Known {
  readonly cases: readonly string[]
  /** Ids of columns; `*` at the end stands for any rest. */
  readonly columns: readonly string[]
  readonly shows: "as direct" | "FAIL"
  /** It depends on timing: may pass too, the table shows the worse. */
  readonly sometimes?: true
  /** One sentence. */
  readonly reason: string
}

const UNREAD =
  "The host does not read a connection while the app takes no more of its upload, and so does not see that the client left."

export const KNOWN: readonly Known[] = [
  {
    cases: ["C05.asterisk"],
    columns: ["bun1-4-serve", "bun1-4-http"],
    shows: "as direct",
    reason: "Bun answers 400 to `OPTIONS *`.",
  },
  {
    cases: ["E04.exact", "E04.target"],
    columns: ["deno2-9-http"],
    shows: "as direct",
    reason: "Deno's node:http takes heads of up to 16 KiB and answers 431 to longer ones.",
  },
  {
    cases: ["E04.exact"],
    columns: ["deno2-9-serve"],
    shows: "as direct",
    reason: "Deno.serve takes heads of somewhat less than 64 KiB and answers 400 to longer ones.",
  },
  {
    cases: ["E04.lines"],
    columns: ["bun1-4-serve", "bun1-4-http"],
    shows: "as direct",
    reason: "Bun takes no 1,000 header lines: 431.",
  },
  {
    cases: ["E04.lines"],
    columns: ["deno2-9-serve"],
    shows: "as direct",
    reason: "Deno.serve takes no 1,000 header lines: 400.",
  },
  {
    cases: ["C18"],
    columns: ["bun1-4-serve", "deno2-9-serve"],
    shows: "as direct",
    reason: "Bun.serve and Deno.serve drop statusText and write the usual phrase.",
  },
  {
    cases: ["C18"],
    columns: ["bun1-4-http"],
    shows: "as direct",
    reason: "Bun's node:http writes a status message beyond ASCII in UTF-8 instead of Latin-1.",
  },
  {
    cases: ["C23.continue-never", "C23.continue-late"],
    columns: ["bun1-4-serve", "deno2-9-serve"],
    shows: "as direct",
    reason: "Bun.serve and Deno.serve send 100 with the head, before the app reads.",
  },
  {
    cases: ["C21.unread"],
    columns: ["deno2-9-serve"],
    shows: "as direct",
    reason: "Deno.serve does not see the end of a connection while a request body on it is unread.",
  },
  {
    cases: ["C21.unread-reset"],
    columns: ["node14-http", "node18-http", "node26-http", "deno2-9-serve", "deno2-9-http"],
    shows: "as direct",
    reason:
      "The server does not read a connection whose upload the app does not read, so it does not see its end either.",
  },
  {
    cases: ["C21.unread-reset"],
    columns: ["node18-fetch", "node26-fetch", "bun1-4-*", "deno2-9-fetch"],
    shows: "FAIL",
    reason: UNREAD,
  },
]

export function knownOf(caseId: string, columnId: string): Known | undefined {
  return KNOWN.find(
    ({ cases, columns }) =>
      cases.includes(caseId) &&
      columns.some((it) => (it.endsWith("*") ? columnId.startsWith(it.slice(0, -1)) : it === columnId)),
  )
}
