/** The middle one, or the mean of the two in the middle; `undefined` of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  return high === undefined || low === undefined ? undefined : (low + high) / 2
}

/**
 * The median of `values[i] / references[i]`: each round is compared with itself, so that what slows the whole
 * machine for a while slows both. Rounds that lack either, or whose reference is 0, don't count.
 */
export function medianRatio(
  values: readonly (number | undefined)[],
  references: readonly (number | undefined)[],
): number | undefined {
  const ratios = values.flatMap((value, round) => {
    const reference = references[round]
    return value === undefined || !reference ? [] : [value / reference]
  })
  return median(ratios)
}

/** `items` beginning with the `by`-th, the ones before it at the end. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = items.length === 0 ? 0 : by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}
