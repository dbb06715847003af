/**
 * When `serve` ends: signals, a launcher that is gone, an error nobody caught. The first signal drains, a second hurries,
 * a third ends the process.
 */
import type { Terminal } from "./command.ts"

export interface Shutdown {
  /** Called once: finish what is in progress. */
  drain(reason: string): void
  /** Called once, after `drain`: cut what is in progress. */
  hurry(): void
  /** Called at the third signal. */
  giveUp(): void
  /** An exception that nobody caught. */
  crash(error: unknown): void
}

/**
 * One Ctrl-C reaches this process from the terminal, from npm and from the launcher: signals so close to the first, in
 * milliseconds, are its echoes.
 */
const ECHO_MS = 250

/** @returns Takes the handlers away again. */
export function watchForShutdown(terminal: Terminal, shutdown: Shutdown): () => void {
  const steps = [shutdown.drain, shutdown.hurry, shutdown.giveUp]
  let step = 0
  let lastMs = Number.NEGATIVE_INFINITY

  function next(reason: string): void {
    const nowMs = performance.now()
    if (nowMs - lastMs < ECHO_MS) return
    lastMs = nowMs
    steps[step]?.(reason)
    step++
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    // Without a terminal a hang-up ends nothing (nohup). With one it means that the terminal is gone.
    if (signal !== "SIGHUP" || terminal.hasTerminal) next(signal)
  }
  const onGone = (): void => {
    if (step === 0) next("the process that started this host is gone")
  }
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"]
  for (const signal of signals) process.on(signal, onSignal)
  process.on("uncaughtException", shutdown.crash)
  terminal.launcherGone.addEventListener("abort", onGone)
  if (terminal.launcherGone.aborted) onGone()
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
    process.off("uncaughtException", shutdown.crash)
    terminal.launcherGone.removeEventListener("abort", onGone)
  }
}
