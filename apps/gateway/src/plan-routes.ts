import type { Route } from './config/route-schema.ts'
import { differences, onOneLine, shown, type Change } from './difference.ts'

/** What would become of a route. Its places are indexes into `routes`, of now (`from`) and of then (`at`). */
export type RouteChange =
  | { readonly change: 'added'; readonly at: number; readonly route: string }
  | { readonly change: 'removed'; readonly from: number; readonly route: string }
  | { readonly change: 'moved'; readonly from: number; readonly at: number; readonly route: string }
  | {
      readonly change: 'changed'
      readonly from: number
      readonly at: number
      /** As it would be. */
      readonly route: string
      readonly keys: readonly Change[]
    }

/**
 * What would change of the routes, in order. One that stays the same has moved if it must be lifted over others that
 * stay; one that takes the same requests as another did is that one, changed.
 */
export function routeChanges(before: readonly Route[], after: readonly Route[]): RouteChange[] {
  const same = pairs(before, after, (route) => keyOf(route))
  const unmoved = longestRise(same)
  const stay = new Set(same)
  const changed = pairs(
    before.map((route, i) => (stay.has(i) ? undefined : route)),
    after.map((route, i) => (same[i] === undefined ? route : undefined)),
    ({ host, path, method, header }) => keyOf({ host, path, method, header }),
  )
  const found = after.flatMap((route, at): RouteChange[] => {
    const line = onOneLine(shown(route))
    const [equal, other] = [same[at], changed[at]]
    if (equal !== undefined) return unmoved.has(at) ? [] : [{ change: 'moved', from: equal, at, route: line }]
    if (other === undefined) return [{ change: 'added', at, route: line }]
    return [{ change: 'changed', from: other, at, route: line, keys: differences(before[other], route) }]
  })
  const kept = new Set([...same, ...changed])
  const removed = before.flatMap((route, from): RouteChange[] =>
    kept.has(from) ? [] : [{ change: 'removed', from, route: onOneLine(shown(route)) }],
  )
  const placeOf = (change: RouteChange): number => ('at' in change ? change.at : change.from)
  return [...removed, ...found].toSorted((one, other) => placeOf(one) - placeOf(other))
}

/** For each of `after`, the index of the first of `before` with the same key that none before it has; undefined if there is none. */
function pairs(
  before: readonly (Route | undefined)[],
  after: readonly (Route | undefined)[],
  key: (route: Route) => string,
): (number | undefined)[] {
  const places = new Map<string, number[]>()
  for (const [i, route] of before.entries()) {
    if (!route) continue
    const list = places.get(key(route))
    if (list) list.push(i)
    else places.set(key(route), [i])
  }
  for (const list of places.values()) list.reverse()
  return after.map((route) => route && places.get(key(route))?.pop())
}

/** The same text for routes that are the same, in whatever order their keys are. */
function keyOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part !== 'object' || part === null || Array.isArray(part)
      ? part
      : Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1))),
  )
}

/** The places of the most values that rise from each to the next, those that are undefined left out. */
function longestRise(values: readonly (number | undefined)[]): Set<number> {
  const ends: number[] = [] // of the rises of each length, the place whose value is least
  const former = new Map<number, number | undefined>()
  const valueAt = (place: number | undefined): number =>
    place === undefined ? NaN : (values[place] as number)
  for (const [place, value] of values.entries()) {
    if (value === undefined) continue
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (valueAt(ends[middle]) < value) low = middle + 1
      else high = middle
    }
    former.set(place, ends[low - 1])
    ends[low] = place
  }
  const rise = new Set<number>()
  for (let place = ends.at(-1); place !== undefined; place = former.get(place)) rise.add(place)
  return rise
}
