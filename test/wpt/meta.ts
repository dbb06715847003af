/** What a test file says of itself: the `// META:` lines of the suite's JavaScript tests. Knows no file system. */

export interface Meta {
  /** Scripts to run before the test, as written: relative to the file, or from the suite's root. */
  readonly scripts: readonly string[]
  /** Names of global scopes the file asks for; empty where it says nothing. */
  readonly globals: readonly string[]
  /** Queries to run the file with, one run each; empty where it says nothing. */
  readonly variants: readonly string[]
  readonly title: string | null
  readonly long: boolean
}

const LINE = /^\/\/\s*META:\s*([a-z]+)=(.*?)\s*$/

/** The lines stand at the head of the file, before anything but comments. */
export function parseMeta(text: string): Meta {
  const found = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    if (!line.startsWith("//") && line.trim() !== "") break
    const match = LINE.exec(line)
    if (match === null) continue
    const [, key, value] = match as unknown as [string, string, string]
    found.set(key, [...(found.get(key) ?? []), value])
  }
  const all = (key: string): readonly string[] => found.get(key) ?? []
  return {
    scripts: all("script"),
    globals: all("global").flatMap((value) => value.split(",").map((name) => name.trim())),
    variants: all("variant"),
    title: all("title")[0] ?? null,
    long: all("timeout").includes("long"),
  }
}

/** How `self.GLOBAL` and the global scope's names have to look: what the file asks for first of what can be had. */
export function scopeOf(globals: readonly string[]): "worker" | "window" | null {
  if (globals.length === 0) return "worker"
  if (globals.some((name) => WORKERS.includes(name))) return "worker"
  return globals.includes("window") ? "window" : null
}

const WORKERS = ["worker", "dedicatedworker", "jsshell"]
