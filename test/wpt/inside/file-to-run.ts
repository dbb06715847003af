/** What the inside is told of a file. Types only. */

export interface FileToRun {
  readonly url: string
  readonly title: string | null
  readonly scope: "worker" | "window"
}
