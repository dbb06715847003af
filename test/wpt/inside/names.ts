/** The functions of the cell's side, in the order in which they are given. A file of its own: the cell's side reads it too. */

/** Those that do not wait for an answer, then those that do. */
export const NOT_WAITING = ["send", "wake", "begin", "report"] as const
export const WAITING = ["domainToASCII", "random", "read"] as const
