/**
 * So many lines of a flood may have been said since `begun`, by `performance.now()`: the first at once, and then one each
 * second. A timer of Node's may be up to a millisecond early.
 */
export function mostLines(begun: number): number {
  return 1 + Math.floor((performance.now() - begun + 1) / 1000)
}
