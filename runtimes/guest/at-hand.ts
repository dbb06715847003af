/** Tells a body that is at hand (a string, bytes) from a stream that is not, without waiting for either. */

/** A body that is at hand is read within so many turns of the microtask queue on every runtime. */
const SOON_TURNS = 6

export type Reading = Promise<{ done: boolean; value?: Uint8Array | undefined }>

/** What the reading gives within a few microtasks, else undefined. */
export async function soon(reading: Reading): Promise<Awaited<Reading> | undefined> {
  let result: Awaited<Reading> | undefined
  reading.then(
    (it) => {
      result = it
    },
    () => undefined,
  )
  for (let turn = 0; turn < SOON_TURNS && result === undefined; turn++) await null
  return result
}
