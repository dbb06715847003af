/** Some at a time: each holds files open while it reads. */
export async function inChunks<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += 32) {
    results.push(...(await Promise.all(items.slice(start, start + 32).map(work))))
  }
  return results
}
