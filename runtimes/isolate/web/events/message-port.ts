/** MessageChannel and MessagePort, within one isolate: each message is cloned when it is posted and comes in a task of its own. */
import { addTransferable } from "../clone/serializable.ts"
import { cloneAndTransfer, readTransferList } from "../clone/structured-clone.ts"
import { DOMException } from "../dom-exception.ts"
import { defineInterface, isObject, requireArguments } from "../idl.ts"
import { webTimers } from "../platform.ts"
import { trusted } from "./event.ts"
import { defineEventHandler, dispatch, EventTarget } from "./event-target.ts"
import { MessageEvent } from "./more-events.ts"

interface Message {
  readonly data: unknown
  readonly ports: readonly object[]
}

/** One end of a channel. It goes from port to port when a port is transferred, with what waits for it. */
interface End {
  peer: End | null
  port: MessagePort
  readonly waiting: Message[]
  isEnabled: boolean
}

const MAKE = Symbol("make")
const inner: {
  read: (value: object) => { end: End | null } | null
} = { read: () => null }

export class MessagePort extends EventTarget {
  readonly #slot: { end: End | null } = { end: null }

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
    super()
  }

  postMessage(message: unknown, options: unknown = {}): void {
    const { end } = this.#slot
    requireArguments(arguments.length, 1, "MessagePort.postMessage")
    const transfer = readTransferList(listOf(options))
    if (transfer.includes(this))
      throw new DOMException("A port cannot be sent through itself", "DataCloneError")
    const isDoomed = end?.peer != null && transfer.includes(end.peer.port)
    const { value, objects } = cloneAndTransfer(message, transfer)
    if (end === null || end.peer === null || isDoomed) return
    end.peer.waiting.push({ data: value, ports: objects.filter(isMessagePort) })
    if (end.peer.isEnabled) deliverLater(end.peer)
  }

  start(): void {
    start(this.#slot.end)
  }

  close(): void {
    const { end } = this.#slot
    this.#slot.end = null
    if (end === null) return
    end.waiting.length = 0
    const { peer } = end
    end.peer = null
    if (peer !== null) peer.peer = null
  }

  static {
    inner.read = (value) => (#slot in value ? value.#slot : null)
    defineEventHandler(MessagePort.prototype, "messageerror")
    defineEventHandler(MessagePort.prototype, "close")
    defineEventHandler(MessagePort.prototype, "message")
  }
}

/** Setting `onmessage` starts the port, which listening does not. */
const handler = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage")!
Object.defineProperty(MessagePort.prototype, "onmessage", {
  ...handler,
  set: {
    "set onmessage"(this: MessagePort, value: unknown) {
      handler.set!.call(this, value)
      start(slotOf(this).end)
    },
  }["set onmessage"],
})

export class MessageChannel {
  readonly #ports = entangledPorts()

  get port1(): MessagePort {
    return this.#ports[0]
  }
  get port2(): MessagePort {
    return this.#ports[1]
  }
}

defineInterface("MessagePort", MessagePort)
defineInterface("MessageChannel", MessageChannel)
addTransferable({
  is: isMessagePort,
  isDetached: (port) => slotOf(port).end === null,
  transfer(port) {
    const slot = slotOf(port)
    const end = slot.end!
    slot.end = null
    end.isEnabled = false
    end.port = newPort(end)
    return end.port
  },
})

export function isMessagePort(value: unknown): value is MessagePort {
  return isObject(value) && inner.read(value) !== null
}

function entangledPorts(): [MessagePort, MessagePort] {
  const [one, other] = [newEnd(), newEnd()]
  one.peer = other
  other.peer = one
  return [one.port, other.port]
}

function newEnd(): End {
  const end = { peer: null, waiting: [], isEnabled: false } as unknown as End
  end.port = newPort(end)
  return end
}

function newPort(end: End): MessagePort {
  const port = Reflect.construct(MessagePort, [MAKE]) as MessagePort
  slotOf(port).end = end
  return port
}

function start(end: End | null): void {
  if (end === null || end.isEnabled) return
  end.isEnabled = true
  for (let count = end.waiting.length; count > 0; count--) deliverLater(end)
}

function deliverLater(end: End): void {
  webTimers().after(0, () => {
    if (!end.isEnabled) return
    const message = end.waiting.shift()
    if (message === undefined) return
    const { data, ports } = message
    dispatch(end.port, trusted(new MessageEvent("message", { data, ports })))
  })
}

function listOf(options: unknown): unknown {
  if (!isObject(options)) {
    if (options === undefined || options === null) return undefined
    throw new TypeError("MessagePort.postMessage: the second argument is not an object")
  }
  return Symbol.iterator in options ? options : (options as { transfer?: unknown }).transfer
}

function slotOf(port: object): { end: End | null } {
  const slot = inner.read(port)
  if (slot === null) throw new TypeError("Illegal invocation")
  return slot
}
