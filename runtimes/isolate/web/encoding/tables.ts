/**
 * Stands in for the module of the library @exodus/bytes that holds the tables of the legacy multi-byte encodings (Shift_JIS, Big5,
 * GB18030 …) where the script of the isolate is built: a third of its whole text, which few apps ever need. The cell has them.
 */
import { webOps } from "../platform.ts"

type Tables = Readonly<Record<string, unknown>>

/** The tables, as the library's own module gives them. It asks once. */
function loadEncodings(): Tables {
  return JSON.parse(webOps().encodingTables()) as Tables
}

// The library imports it under this name.
export { loadEncodings as default }
