/** Cases 1 to 5, 7, 9, 10, 12 and 13; the text of 6 is in `cases-utf8.ts`. Numbers and contents as in the suite. */
import { closeFrame, fragments, frame, OP } from "../frames.ts"
import type { AutobahnCase, RoundTrips, Seen, Step } from "./case.ts"
import { utf8Cases } from "./cases-utf8.ts"
import { seen } from "./seen.ts"

const HELLO = "Hello, world!"
const ODD = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff])
const PROTOCOL_ERROR = [1002]

export function autobahnCases(): AutobahnCase[] {
  return [
    ...framing(),
    ...pings(),
    ...reservedBits(),
    ...opcodes(),
    ...fragmentation(),
    ...utf8Cases(),
    ...closing(),
    ...limits(),
    ...compression(),
  ]
}

function framing(): AutobahnCase[] {
  const lengths = [0, 125, 126, 127, 128, 65535, 65536, 65536]
  const cases: AutobahnCase[] = []
  for (const [group, kind] of (["text", "binary"] as const).entries())
    for (const [i, length] of lengths.entries()) {
      const payload = Buffer.alloc(length, kind === "text" ? "*" : 0xfe)
      const isChopped = i === 7
      cases.push({
        id: `1.${group + 1}.${i + 1}`,
        what: `${kind} of ${length} bytes${isChopped ? ", in chops of 997" : ""}`,
        steps: [{ bytes: frame({ opcode: OP[kind], payload }), ...(isChopped ? { chop: 997 } : {}) }],
        ok: [seen(kind, payload)],
        close: "normal",
      })
    }
  return cases
}

function pings(): AutobahnCase[] {
  const full = Buffer.alloc(125, 0xfe)
  const ten = Array.from({ length: 10 }, (_, i) => `payload-${i}`)
  const unsolicited = frame({ opcode: OP.pong, payload: "unsolicited pong payload" })
  const ping = (payload: Buffer | string): Buffer => frame({ opcode: OP.ping, payload })
  return [
    normal("2.1", "ping without payload", [{ bytes: ping("") }], [seen("pong", "")]),
    normal("2.2", "ping with text", [{ bytes: ping(HELLO) }], [seen("pong", HELLO)]),
    normal("2.3", "ping with bytes that are no UTF-8", [{ bytes: ping(ODD) }], [seen("pong", ODD)]),
    normal("2.4", "ping of 125 bytes", [{ bytes: ping(full) }], [seen("pong", full)]),
    fails("2.5", "ping of 126 bytes", [{ bytes: ping(Buffer.alloc(126, 0xfe)) }]),
    normal("2.6", "ping of 125 bytes, byte by byte", [{ bytes: ping(full), chop: 1 }], [seen("pong", full)]),
    normal("2.7", "pong that nobody asked for", [{ bytes: frame({ opcode: OP.pong }) }], []),
    normal("2.8", "pong that nobody asked for, with payload", [{ bytes: unsolicited }], []),
    normal(
      "2.9",
      "such a pong, then a ping",
      [{ bytes: unsolicited }, { bytes: ping("ping payload") }],
      [seen("pong", "ping payload")],
    ),
    normal(
      "2.10",
      "10 pings",
      [{ bytes: Buffer.concat(ten.map(ping)) }],
      ten.map((it) => seen("pong", it)),
    ),
    normal(
      "2.11",
      "10 pings, byte by byte",
      [{ bytes: Buffer.concat(ten.map(ping)), chop: 1 }],
      ten.map((it) => seen("pong", it)),
    ),
  ]
}

function reservedBits(): AutobahnCase[] {
  const after = (rsv: number): Buffer[] => [
    frame({ opcode: OP.text, payload: HELLO }),
    frame({ opcode: OP.text, payload: HELLO, rsv }),
    frame({ opcode: OP.ping }),
  ]
  const echo = [seen("text", HELLO)]
  return [
    fails("3.1", "text with RSV 1", [{ bytes: frame({ opcode: OP.text, payload: HELLO, rsv: 1 }) }]),
    fails("3.2", "text, text with RSV 2, ping", [{ bytes: Buffer.concat(after(2)) }], echo),
    fails(
      "3.3",
      "text, text with RSV 3, ping; frame by frame",
      after(3).map((bytes) => ({ bytes })),
      echo,
    ),
    fails(
      "3.4",
      "text, text with RSV 4, ping; byte by byte",
      [{ bytes: Buffer.concat(after(4)), chop: 1 }],
      echo,
    ),
    fails("3.5", "binary with RSV 5", [{ bytes: frame({ opcode: OP.binary, payload: ODD, rsv: 5 }) }]),
    fails("3.6", "ping with RSV 6", [{ bytes: frame({ opcode: OP.ping, payload: HELLO, rsv: 6 }) }]),
    fails("3.7", "close with RSV 7", [{ bytes: frame({ opcode: OP.close, rsv: 7 }) }]),
  ]
}

function opcodes(): AutobahnCase[] {
  return [3, 11].flatMap((first, group) =>
    [0, 1, 2, 3, 4].map((i) => {
      const opcode = first + i
      const payload = i === 0 || i === 2 ? "" : i === 1 ? "reserved opcode payload" : HELLO
      const reserved = frame({ opcode, payload })
      const id = `4.${group + 1}.${i + 1}`
      if (i < 2)
        return fails(id, `reserved opcode ${opcode}${i === 1 ? " with payload" : ""}`, [{ bytes: reserved }])
      const bytes = Buffer.concat([
        frame({ opcode: OP.text, payload: HELLO }),
        reserved,
        frame({ opcode: OP.ping }),
      ])
      const chop = i === 4 ? { chop: 1 } : {}
      return fails(id, `text, reserved opcode ${opcode}, ping`, [{ bytes, ...chop }], [seen("text", HELLO)])
    }),
  )
}

/** The three ways in which the suite cuts the same bytes. */
const CUTS: readonly ((frames: Buffer[]) => Step[])[] = [
  (frames) => [{ bytes: Buffer.concat(frames) }],
  (frames) => frames.map((bytes) => ({ bytes })),
  (frames) => [{ bytes: Buffer.concat(frames), chop: 1 }],
]
const CUT_NAMES = ["", ", frame by frame", ", byte by byte"]

function fragmentation(): AutobahnCase[] {
  const first = frame({ opcode: OP.text, payload: "fragment1", fin: false })
  const more = (payload: string, fin: boolean): Buffer => frame({ opcode: 0, payload, fin })
  const hello = frame({ opcode: OP.text, payload: HELLO })
  const ping = frame({ opcode: OP.ping, payload: "ping payload" })
  const both = seen("text", "fragment1fragment2")
  const cut = (
    from: number,
    make: (id: string, name: string, steps: readonly Step[]) => AutobahnCase,
    frames: Buffer[],
  ) => CUTS.map((of, i) => make(`5.${from + i}`, CUT_NAMES[i] as string, of(frames)))
  const twice = (fin: boolean): Buffer =>
    Buffer.concat(
      [0, 1].flatMap(() => [
        more("fragment1", fin),
        frame({ opcode: OP.text, payload: "fragment2", fin: false }),
        more("fragment3", true),
      ]),
    )
  return [
    fails("5.1", "ping in 2 fragments", [
      {
        bytes: Buffer.concat([
          frame({ opcode: OP.ping, payload: "fragment1", fin: false }),
          more("fragment2", true),
        ]),
      },
    ]),
    fails("5.2", "pong in 2 fragments", [
      {
        bytes: Buffer.concat([
          frame({ opcode: OP.pong, payload: "fragment1", fin: false }),
          more("fragment2", true),
        ]),
      },
    ]),
    ...cut(3, (id, name, steps) => normal(id, `text in 2 fragments${name}`, steps, [both]), [
      first,
      more("fragment2", true),
    ]),
    ...cut(
      6,
      (id, name, steps) =>
        normal(id, `text in 2 fragments, a ping between${name}`, steps, [seen("pong", "ping payload"), both]),
      [first, ping, more("fragment2", true)],
    ),
    ...cut(9, (id, name, steps) => fails(id, `last fragment of nothing, then text${name}`, steps), [
      more("non-continuation payload", true),
      hello,
    ]),
    ...cut(12, (id, name, steps) => fails(id, `fragment of nothing, then text${name}`, steps), [
      more("non-continuation payload", false),
      hello,
    ]),
    fails(
      "5.15",
      "text in 2 fragments, then a fragment of nothing, then text",
      [{ bytes: Buffer.concat([first, more("fragment2", true), more("fragment3", false), hello]) }],
      [both],
    ),
    fails("5.16", "fragment of nothing, then text in 2 fragments; twice", [{ bytes: twice(false) }]),
    fails("5.17", "last fragment of nothing, then text in 2 fragments; twice", [{ bytes: twice(true) }]),
    fails("5.18", "text in 2 fragments, both with the opcode of text", [
      { bytes: Buffer.concat([first, frame({ opcode: OP.text, payload: "fragment2" })]) },
    ]),
    ...[0, 1].map((i) => {
      const of = CUTS[i] as (typeof CUTS)[number]
      const ping1 = frame({ opcode: OP.ping, payload: "pongme 1!" })
      const ping2 = frame({ opcode: OP.ping, payload: "pongme 2!" })
      return normal(
        `5.${19 + i}`,
        `text in 5 fragments, pings between${CUT_NAMES[i]}`,
        [
          ...of([first, more("fragment2", false), ping1]),
          "pause",
          ...of([more("fragment3", false), more("fragment4", false), ping2, more("fragment5", true)]),
        ],
        [
          seen("pong", "pongme 1!"),
          seen("pong", "pongme 2!"),
          seen("text", "fragment1fragment2fragment3fragment4fragment5"),
        ],
      )
    }),
  ]
}

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
const INVALID_CODES = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
const INVALID_REASON = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex")

function closing(): AutobahnCase[] {
  const text = frame({ opcode: OP.text, payload: "Hello World!" })
  const end = closeFrame(1000)
  const long = Buffer.alloc(256 * 1024, "BAsd7&jh23")
  const closes = (id: string, what: string, frames: Buffer[], codes: number[]): AutobahnCase => ({
    id,
    what,
    steps: [{ bytes: Buffer.concat(frames) }],
    ok: [],
    close: codes,
  })
  return [
    normal("7.1.1", "text, then close", [{ bytes: text }], [seen("text", "Hello World!")]),
    closes("7.1.2", "two close frames", [end, closeFrame()], [1000]),
    closes("7.1.3", "a ping after close", [end, frame({ opcode: OP.ping })], [1000]),
    closes("7.1.4", "text after close", [end, text], [1000]),
    closes(
      "7.1.5",
      "close between fragments",
      [
        frame({ opcode: OP.text, payload: "fragment1", fin: false }),
        end,
        frame({ opcode: 0, payload: "fragment2" }),
      ],
      [1000],
    ),
    {
      ...closes(
        "7.1.6",
        "256 KiB, text, close, ping",
        [frame({ opcode: OP.text, payload: long }), text, end],
        [1000],
      ),
      ok: [seen("text", long), seen("text", "Hello World!")],
      nonStrict: [],
      informational: true,
    },
    closes("7.3.1", "close without payload", [closeFrame()], [1000, 1005]),
    closes("7.3.2", "close with 1 byte", [closeFrame(undefined, "a")], PROTOCOL_ERROR),
    closes("7.3.3", "close with a code", [end], [1000]),
    closes("7.3.4", "close with a reason", [closeFrame(1000, "Hello World!")], [1000]),
    closes("7.3.5", "close with a reason of 123 bytes", [closeFrame(1000, "*".repeat(123))], [1000]),
    closes("7.3.6", "close with a reason of 124 bytes", [closeFrame(1000, "*".repeat(124))], PROTOCOL_ERROR),
    closes("7.5.1", "close with a reason that is no UTF-8", [closeFrame(1000, INVALID_REASON)], [1002, 1007]),
    ...CODES.map((code, i) => closes(`7.7.${i + 1}`, `close with ${code}`, [closeFrame(code)], [1000, code])),
    ...INVALID_CODES.map((code, i) =>
      closes(`7.9.${i + 1}`, `close with the invalid ${code}`, [closeFrame(code)], PROTOCOL_ERROR),
    ),
    ...[5000, 65535].map((code, i) => ({
      ...closes(`7.13.${i + 1}`, `close with ${code}`, [closeFrame(code)], [1000, code, 1002]),
      informational: true,
    })),
  ]
}

const KIB = 1024
const MIB = 1024 * KIB

function limits(): AutobahnCase[] {
  const cases: AutobahnCase[] = []
  const kinds = ["text", "binary"] as const
  const add = (id: string, what: string, steps: readonly Step[], answer: Seen, isLong: boolean): void => {
    cases.push({ ...normal(id, what, steps, [answer]), ...(isLong ? { isLong } : {}) })
  }
  for (const [group, kind] of kinds.entries()) {
    const fill = kind === "text" ? "BAsd7&jh23" : Buffer.from([0x00, 0xfe, 0x23, 0xfa, 0xf0])
    for (const [i, bytes] of [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].entries()) {
      const payload = Buffer.alloc(bytes, fill)
      add(
        `9.${group + 1}.${i + 1}`,
        `${kind} of ${bytes / KIB} KiB`,
        lazy(() => [frame({ opcode: OP[kind], payload })]),
        seen(kind, payload),
        bytes > MIB,
      )
    }
  }
  for (const [group, kind] of kinds.entries()) {
    const payload = Buffer.alloc(4 * MIB, kind === "text" ? "*" : 0xfe)
    for (let i = 0; i < 9; i++) {
      const bytes = 64 * 4 ** i
      add(
        `9.${group + 3}.${i + 1}`,
        `${kind} of 4 MiB in frames of ${bytes}`,
        lazy(() => fragments(OP[kind], payload, bytes)),
        seen(kind, payload),
        true,
      )
    }
  }
  for (const [group, kind] of kinds.entries()) {
    const payload = Buffer.alloc(
      MIB,
      kind === "text" ? "BAsd7&jh23" : Buffer.from([0x00, 0xfe, 0x23, 0xfa, 0xf0]),
    )
    for (let i = 0; i < 6; i++) {
      const chop = 64 * 2 ** i
      const steps = lazy(() => [frame({ opcode: OP[kind], payload })]).map((step) =>
        step === "pause"
          ? step
          : {
              get bytes() {
                return step.bytes
              },
              chop,
            },
      )
      add(`9.${group + 5}.${i + 1}`, `${kind} of 1 MiB in chops of ${chop}`, steps, seen(kind, payload), true)
    }
  }
  for (const [group, kind] of kinds.entries())
    for (const [i, bytes] of [0, 16, 64, 256, 1024, 4096].entries())
      cases.push(
        roundTrips(`9.${group + 7}.${i + 1}`, `${kind} messages of ${bytes} bytes`, {
          isText: kind === "text",
          bytes,
          count: 1000,
          shortCount: 25,
          fragmentBytes: 0,
          offer: "",
        }),
      )
  const payload = Buffer.alloc(65536, "*")
  cases.push(
    normal(
      "10.1.1",
      "text of 65536 bytes in frames of 1300",
      [{ bytes: Buffer.concat(fragments(OP.text, payload, 1300)) }],
      [seen("text", payload)],
    ),
  )
  return cases
}

/** Length of a message, and of its frames (0: one). */
const COMPRESSED: readonly (readonly [number, number])[] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((bytes) => [bytes, 0] as const),
  ...[8192, 16384, 32768, 65536, 131072].map((bytes) => [bytes, 256] as const),
  ...[1024, 4096, 32768].map((fragment) => [131072, fragment] as const),
]

const OFFERS = [
  "",
  "; server_no_context_takeover",
  "; server_max_window_bits=9",
  "; server_max_window_bits=15",
  "; server_no_context_takeover; server_max_window_bits=9",
  "; server_no_context_takeover; server_max_window_bits=15",
]

/** 12 has the same for five files; text and binary stand for them here. 13 has offers, each beside what a client can do itself. */
function compression(): AutobahnCase[] {
  const one = (more: string): string =>
    `permessage-deflate; client_no_context_takeover; client_max_window_bits${more}`
  const offers = [...OFFERS.map(one), [OFFERS[4], OFFERS[1], ""].map((it) => one(it as string)).join(", ")]
  const groups: [string, string, boolean][] = [
    ["12.1", one(""), true],
    ["12.2", one(""), false],
    ...offers.map((offer, i): [string, string, boolean] => [`13.${i + 1}`, offer, true]),
  ]
  return groups.flatMap(([group, offer, isText]) =>
    COMPRESSED.map(([bytes, fragmentBytes], i) => {
      const what = `compressed ${isText ? "text" : "binary"} of ${bytes}${fragmentBytes === 0 ? "" : ` in frames of ${fragmentBytes}`}`
      const trips = { isText, bytes, count: 50, shortCount: 2, fragmentBytes, offer }
      return roundTrips(`${group}.${i + 1}`, what, trips)
    }),
  )
}

/** Made when it is sent: all of them together would be half a gigabyte. */
function lazy(make: () => Buffer[]): Step[] {
  return [
    {
      get bytes() {
        return Buffer.concat(make())
      },
    },
  ]
}

function normal(id: string, what: string, steps: readonly Step[], ok: readonly Seen[]): AutobahnCase {
  return { id, what, steps, ok, close: "normal" }
}

/** `before`: what is answered before it fails, if it is not too late for that. */
function fails(id: string, what: string, steps: readonly Step[], before: readonly Seen[] = []): AutobahnCase {
  return {
    id,
    what,
    steps,
    ok: before,
    ...(before.length > 0 ? { nonStrict: [] } : {}),
    close: PROTOCOL_ERROR,
  }
}

function roundTrips(id: string, what: string, trips: RoundTrips): AutobahnCase {
  return { id, what: `${what}, there and back`, steps: [], ok: [], close: "normal", roundTrips: trips }
}
