/** Makes a lane: a context with the guest in it, and what the cell does for that guest. */
import type ivm from "isolated-vm"
import type { StartOrder } from "../../cell/cell-messages.ts"
import { createOps } from "../ops/index.ts"
import { EgressLine } from "./egress-line.ts"
import type { IsolateFactory } from "./factory.ts"
import { GuestContext, type GuestParts } from "./guest-context.ts"
import { Lane } from "./lane.ts"

/** In characters; V8 shows ten frames unless asked for more. */
const LONGEST_STACK = 64 * 1024

export interface LaneParts {
  readonly isolate: ivm.Isolate
  readonly factory: IsolateFactory
  readonly order: StartOrder
  readonly oneRequest: boolean
  readonly send: (bytes: Uint8Array) => void
  readonly print: (stream: "stdout" | "stderr", text: string) => void
  /** A stack as the app's author would read it. */
  readonly ofApp: (text: string) => string
  /** The guest is broken. */
  readonly broken: (why: string) => void
  readonly violated: (reason: string) => void
  /** It has something for a turn. */
  readonly wanted: () => void
}

export function makeLane(parts: LaneParts): Lane {
  const lane = new Lane(
    egressOf(parts, () => lane),
    parts.wanted,
  )
  lane.guest = GuestContext.make(parts.isolate, parts.factory, guestParts(parts, lane))
  return lane
}

/** In an isolate where an app may be busy. */
export async function makeLaneLater(parts: LaneParts): Promise<Lane> {
  const lane = new Lane(
    egressOf(parts, () => lane),
    parts.wanted,
  )
  lane.guest = await GuestContext.makeLater(parts.isolate, parts.factory, guestParts(parts, lane))
  return lane
}

function guestParts(parts: LaneParts, lane: Lane): GuestParts {
  const { order, oneRequest } = parts
  const ops = createOps({ wake: (ms) => lane.wakeAfter(ms), print: parts.print })
  return {
    config: {
      token: order.guest.token,
      version: process.versions.node,
      pid: process.pid,
      env: order.env,
      bindings: order.guest.bindings ?? [],
      oneRequest,
    },
    functions: {
      send(bytes) {
        if (bytes instanceof ArrayBuffer && !lane.closed) parts.send(new Uint8Array(bytes))
      },
      sendEgress(bytes) {
        if (bytes instanceof ArrayBuffer && !lane.closed) lane.egress.receive(bytes)
      },
      wake: (ms) => lane.wakeAfter(Number(ms)),
      print: ops.print,
      evaluated: (takesSockets) => lane.evaluated(takesSockets === true),
      fatal: (why) => parts.broken(String(why)),
      barrier: () => undefined,
      domainToASCII: ops.domainToASCII,
      encodingTables: ops.encodingTables,
      mapStack: (stack) => parts.ofApp(String(stack).slice(0, LONGEST_STACK)),
      random: ops.random,
      begin(id, method, request) {
        ops.subtle(method, request).then((answer) => lane.settle({ id, answer }))
      },
    },
    inspect: order.inspect,
  }
}

function egressOf({ order, violated }: LaneParts, lane: () => Lane): EgressLine {
  return new EgressLine({
    app: order.app,
    outbound: order.outbound,
    deliver: (bytes) => lane().receiveEgress(bytes),
    violated,
  })
}
