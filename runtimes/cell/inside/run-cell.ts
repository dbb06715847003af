/**
 * The half of a cell that lives in the cell's process: connects to the host, carries out its orders with a program of the
 * kind (threads, isolates), and reports. Its loop runs no code of an app, so that it can answer when they do not.
 * Counterpart in the host: `runtimes/cell/cell.ts`.
 */
import { connect, type Socket } from "node:net"
import { type ClientErrorCode, messageOf } from "../../../protocol/errors.ts"
import { type CellInspector, serveInspector } from "../../inspect/inside/cell-session.ts"
import {
  CELL_VARIABLE,
  type CellConfig,
  type CellToHost,
  type HostToCell,
  type InstanceEnd,
  KILL_MS,
  type StartOrder,
} from "../cell-messages.ts"
import { readMessages, writeMessage } from "../message-lines.ts"

/** What a kind of cell does. Its methods never throw for what an app does; a throw of `start` ends that instance. */
export interface CellProgram {
  /** Starts an instance; returns at once. */
  start(order: StartOrder, report: InstanceReport): CellMember
}

export interface CellMember {
  /**
   * Ends the instance now. Resolves when it is really gone: no code of it runs or will run. The cell is poisoned when that takes longer
   * than `KILL_MS`. `report.ended` may or may not have been called by then.
   */
  kill(reason: string): Promise<void>
  /** Its inspector, or null when it has none (any more). */
  inspector?(): CellInspector | null
}

/** How an instance's program tells of it. Calls after `ended` count for nothing. */
export interface InstanceReport {
  /** It is gone. */
  ended(end: InstanceEnd): void
  /** It runs on this thread, and no other instance does. */
  thread(threadId: number): void
  /** Whether its loop computes, and has for long: if it is wedged then, that is why. */
  busy(isBusy: boolean): void
  /** It is to be replaced: a replacement first, then a polite stop. `code`: why, when a limit was the reason. */
  retire(reason: string, code?: ClientErrorCode): void
  /** This process is not to be trusted any more, because of this instance, whose requests are answered with `code`. */
  poisoned(reason: string, code: ClientErrorCode): void
  /** Some of its output that does not go through its channel. */
  output(stream: "stdout" | "stderr", text: string): void
}

/** What a program may need of the cell itself. */
export interface CellServices {
  readonly config: CellConfig
  /** The whole cell is to be replaced, and no instance is known to be to blame. */
  poisoned(reason: string, code: ClientErrorCode): void
}

interface Member {
  readonly order: StartOrder
  handle: CellMember | null
  ended: boolean
  busy: boolean
}

/** Most of a reason that is sent. */
const MAX_REASON = 4000
const MAX_OUTPUT = 16 * 1024

/** Runs this process as a cell, until its host ends it or is gone. */
export function runCell(makeProgram: (services: CellServices) => CellProgram): void {
  const config = JSON.parse(process.env[CELL_VARIABLE] ?? "null") as CellConfig
  delete process.env[CELL_VARIABLE]
  const socket = connect(config.control)
  const members = new Map<string, Member>()
  const program = makeProgram({
    config,
    poisoned: (reason, code) => say({ type: "poisoned", id: null, reason: cut(reason), code }),
  })

  const say = (message: CellToHost): void => writeMessage(socket, message)
  say({ type: "hello", token: config.token })
  dieWith(socket)
  readMessages(socket, Number.POSITIVE_INFINITY, {
    message: (message) => obey(message as HostToCell),
    broken: endProcess,
  })

  function obey(message: HostToCell): void {
    if (message.type === "ping") say({ type: "pong" })
    else if (message.type === "start") start(message)
    else if (message.type === "inspect") inspect(message)
    else kill(message.id, message.reason)
  }

  function start(order: StartOrder): void {
    const member: Member = { order, handle: null, ended: false, busy: false }
    members.set(order.id, member)
    try {
      member.handle = program.start(order, reportOf(member))
    } catch (error) {
      ended(member, { reason: messageOf(error), code: "APP_CRASHED", exitCode: null })
    }
  }

  function kill(id: string, reason: string): void {
    const member = members.get(id)
    if (member === undefined || member.handle === null) return
    const late = setTimeout(() => {
      const detail = `${reason}; it could not be ended within ${KILL_MS} ms`
      say({ type: "poisoned", id, reason: cut(detail), code: "APP_WEDGED" })
    }, KILL_MS)
    member.handle.kill(reason).then(
      () => {
        clearTimeout(late)
        ended(member, { reason, code: "APP_CRASHED", exitCode: null })
      },
      (error: unknown) => {
        clearTimeout(late)
        say({ type: "poisoned", id, reason: cut(`${reason}; ${messageOf(error)}`), code: "APP_CRASHED" })
      },
    )
  }

  /** The host hears of it on the session's own socket, or, when there can be none, by nobody connecting there. */
  function inspect({ id, path, token }: { id: string; path: string; token: string }): void {
    const inspector = members.get(id)?.handle?.inspector?.() ?? null
    if (inspector !== null) serveInspector({ path, token }, inspector)
  }

  function ended(member: Member, end: InstanceEnd): void {
    if (member.ended) return
    member.ended = true
    const { id } = member.order
    if (members.get(id) === member) members.delete(id)
    say({ type: "ended", id, ...end, reason: cut(end.reason) })
  }

  function reportOf(member: Member): InstanceReport {
    const { id } = member.order
    const tell = (message: CellToHost): void => {
      if (!member.ended) say(message)
    }
    return {
      ended: (end) => ended(member, end),
      thread: (threadId) => tell({ type: "thread", id, threadId }),
      busy(isBusy) {
        if (member.busy !== isBusy) tell({ type: "busy", id, isBusy })
        member.busy = isBusy
      },
      retire: (reason, code) => tell({ type: "retire", id, reason: cut(reason), code: code ?? null }),
      poisoned: (reason, code) => tell({ type: "poisoned", id, reason: cut(reason), code }),
      output(stream, text) {
        for (let at = 0; at < text.length; at += MAX_OUTPUT)
          tell({ type: "output", id, stream, text: text.slice(at, at + MAX_OUTPUT) })
      },
    }
  }
}

/** A cell without its host has no reason to live. */
function dieWith(socket: Socket): void {
  socket.on("error", () => undefined)
  socket.once("close", endProcess)
}

/** Not by exit, which waits for threads and may hang when an isolate was ended by force. */
function endProcess(): void {
  process.kill(process.pid, "SIGKILL")
}

function cut(text: string): string {
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text
}
