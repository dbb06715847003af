/** The shortest text found that still fails: pieces are taken away, then single characters made plain. */
export function minimise(text: string, fails: (text: string) => boolean): string {
  let shortest = text
  for (let size = Math.max(1, text.length >> 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < shortest.length; ) {
      const without = shortest.slice(0, at) + shortest.slice(at + size)
      if (without !== shortest && fails(without)) shortest = without
      else at += size
    }
  }
  return shortest
}
