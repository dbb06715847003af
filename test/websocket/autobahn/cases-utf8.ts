/** Cases 6: text that is UTF-8 or not. The sequences are those of Markus Kuhn's decoder stress test, in the suite's order. */
import { fragments, frame, OP } from "../frames.ts"
import type { AutobahnCase, Step } from "./case.ts"
import { seen } from "./seen.ts"

const KOSME = "cebae1bdb9cf83cebcceb5"
const EDITED = "656469746564"
const UMLAUTS = "Hello-µ@ßöäüàá-UTF-8!!"

export function utf8Cases(): AutobahnCase[] {
  return [...whole(), ...pieces(), ...failFast(), ...sequences()]
}

function whole(): AutobahnCase[] {
  const text = (payload: string, fin: boolean, opcode: number = OP.continuation): Buffer =>
    frame({ opcode, payload, fin })
  const middle = "middle frame payload"
  return [
    valid("6.1.1", "text of length 0", [{ bytes: frame({ opcode: OP.text }) }], ""),
    valid(
      "6.1.2",
      "3 fragments of length 0",
      [{ bytes: Buffer.concat([text("", false, OP.text), text("", false), text("", true)]) }],
      "",
    ),
    valid(
      "6.1.3",
      "3 fragments, the first and the last of length 0",
      [{ bytes: Buffer.concat([text("", false, OP.text), text(middle, false), text("", true)]) }],
      middle,
    ),
    valid("6.2.1", "UTF-8", [{ bytes: frame({ opcode: OP.text, payload: UMLAUTS }) }], UMLAUTS),
    valid(
      "6.2.2",
      "UTF-8 in 2 fragments",
      [{ bytes: Buffer.concat([text("Hello-µ@ßöä", false, OP.text), text("üàá-UTF-8!!", true)]) }],
      UMLAUTS,
    ),
  ]
}

function pieces(): AutobahnCase[] {
  const bytewise = (payload: Buffer): Step[] => [{ bytes: Buffer.concat(fragments(OP.text, payload, 1)) }]
  const broken = Buffer.from(`${KOSME}eda080${EDITED}`, "hex")
  return [
    valid("6.2.3", "UTF-8 in fragments of 1 byte", bytewise(Buffer.from(UMLAUTS)), UMLAUTS),
    valid(
      "6.2.4",
      "UTF-8 in fragments of 1 byte",
      bytewise(Buffer.from(KOSME, "hex")),
      Buffer.from(KOSME, "hex"),
    ),
    invalid("6.3.1", "no UTF-8", [{ bytes: frame({ opcode: OP.text, payload: broken }) }]),
    invalid("6.3.2", "no UTF-8, in fragments of 1 byte", bytewise(broken)),
  ]
}

function failFast(): AutobahnCase[] {
  const payload = Buffer.from(`${KOSME}f4908080${EDITED}`, "hex")
  const known = KOSME.length / 2
  return [
    [known, known + 4],
    [known + 1, known + 2],
  ].flatMap(([from, to], i) => {
    const parts = [payload.subarray(0, from), payload.subarray(from, to), payload.subarray(to)]
    const frames = parts.map((part, at) =>
      frame({ opcode: at === 0 ? OP.text : 0, payload: part, fin: at === 2 }),
    )
    const one = frame({ opcode: OP.text, payload })
    const head = one.length - payload.length
    const chops = [
      one.subarray(0, head + (from ?? 0)),
      one.subarray(head + (from ?? 0), head + (to ?? 0)),
      one.subarray(head + (to ?? 0)),
    ]
    const name = i === 0 ? "a part that makes it none" : "the byte that makes it none"
    return [
      fast(`6.4.${i + 1}`, `no UTF-8: ${name} in a fragment of its own`, frames),
      fast(`6.4.${i + 3}`, `no UTF-8: ${name} in a chop of its own`, chops),
    ]
  })
}

function fast(id: string, what: string, parts: Buffer[]): AutobahnCase {
  const steps = parts.flatMap((bytes, i): Step[] => (i === 0 ? [{ bytes }] : ["pause", { bytes }]))
  return { ...invalid(id, what, steps), failsFast: true }
}

function sequences(): AutobahnCase[] {
  const cases: AutobahnCase[] = []
  for (const [group, { name, list }] of groups().entries())
    for (const [i, [isValid, hex]] of list.entries()) {
      const payload = Buffer.from(hex, "hex")
      const steps = [{ bytes: frame({ opcode: OP.text, payload }) }]
      const id = `6.${group + 5}.${i + 1}`
      cases.push(isValid ? valid(id, name, steps, payload) : invalid(id, name, steps))
    }
  return cases
}

type Sequence = readonly [isValid: boolean, hex: string]

function groups(): { name: string; list: readonly Sequence[] }[] {
  const all = (isValid: boolean, ...list: string[]): Sequence[] => list.map((hex) => [isValid, hex])
  const hello = (hex: string): string => `68656c6c6f${hex}776f726c64`
  const boundaries = new Set([2, 5, 7, 9, 11])
  const unfinished = [
    "c0",
    "e080",
    "f08080",
    "f8808080",
    "fc80808080",
    "df",
    "efbf",
    "f7bfbf",
    "fbbfbfbf",
    "fdbfbfbfbf",
  ]
  return [
    {
      name: "some valid UTF-8",
      list: all(true, hello("24"), hello("c2a2"), hello("e282ac"), hello("f0a4ada2"), KOSME),
    },
    {
      name: "prefix of valid UTF-8",
      list: Array.from(
        { length: 11 },
        (_, i): Sequence => [boundaries.has(i + 1), KOSME.slice(0, 2 * (i + 1))],
      ),
    },
    { name: "first of a length", list: all(true, "00", "c280", "e0a080", "f0908080") },
    { name: "first of length 5 and 6", list: all(false, "f888808080", "fc8480808080") },
    { name: "last of a length", list: all(true, "7f", "dfbf", "efbfbf", "f48fbfbf") },
    { name: "last of length 4, 5 and 6", list: all(false, "f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf") },
    {
      name: "other boundaries",
      list: [...all(true, "ed9fbf", "ee8080", "efbfbd", "f48fbfbf"), [false, "f4908080"]],
    },
    {
      name: "unexpected continuation",
      list: all(
        false,
        "80",
        "bf",
        "80bf",
        "80bf80",
        "80bf80bf",
        "80bf80bf80",
        "80bf80bf80bf",
        run(0x80, 0xbf, ""),
      ),
    },
    {
      name: "lonely starts",
      list: all(
        false,
        run(0xc0, 0xdf, "20"),
        run(0xe0, 0xef, "20"),
        run(0xf0, 0xf7, "20"),
        run(0xf8, 0xfb, "20"),
        run(0xfc, 0xfd, "20"),
      ),
    },
    { name: "last continuation missing", list: all(false, ...unfinished) },
    { name: "unfinished ones together", list: all(false, unfinished.join("")) },
    { name: "impossible bytes", list: all(false, "fe", "ff", "fefeffff") },
    { name: "overlong ASCII", list: all(false, "c0af", "e080af", "f08080af", "f8808080af", "fc80808080af") },
    {
      name: "longest overlong",
      list: all(false, "c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
    },
    { name: "overlong NUL", list: all(false, "c080", "e08080", "f0808080", "f880808080", "fc8080808080") },
    {
      name: "single surrogate",
      list: all(false, "eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
    },
    {
      name: "paired surrogates",
      list: ["eda080", "edadbf", "edae80", "edafbf"].flatMap((high) =>
        all(false, `${high}edb080`, `${high}edbfbf`),
      ),
    },
    { name: "non-characters", list: all(true, ...nonCharacters()) },
    {
      name: "specials",
      list: all(true, ...["b9", "ba", "bb", "bc", "bd", "be", "bf"].map((last) => `efbf${last}`)),
    },
  ]
}

function nonCharacters(): string[] {
  const list = ["efbfbe", "efbfbf"]
  for (const first of ["f0", "f1", "f2", "f3", "f4"])
    for (const second of first === "f0"
      ? ["9f", "af", "bf"]
      : first === "f4"
        ? ["8f"]
        : ["8f", "9f", "af", "bf"])
      for (const last of ["be", "bf"]) list.push(`${first}${second}bf${last}`)
  return list
}

/** Bytes from `first` to before `last`, each with `after`. */
function run(first: number, last: number, after: string): string {
  let hex = ""
  for (let byte = first; byte < last; byte++) hex += byte.toString(16) + after
  return hex
}

function valid(id: string, what: string, steps: readonly Step[], payload: Buffer | string): AutobahnCase {
  return { id, what, steps, ok: [seen("text", payload)], close: "normal" }
}

function invalid(id: string, what: string, steps: readonly Step[]): AutobahnCase {
  return { id, what, steps, ok: [], close: [1007] }
}
