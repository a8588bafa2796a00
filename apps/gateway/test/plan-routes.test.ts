import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { routeChanges, type RouteChange } from '../src/plan-routes.ts'
import type { Route } from '../src/config/route-schema.ts'

const to = (path: string, pool = 'p'): Route => ({ path, pool })
const lines = (path: string, pool = 'p'): string => `{ path: ${path}, pool: ${pool} }`

suite('what would change of the routes', () => {
  const [a, b, c, d] = [to('/a'), to('/b'), to('/c'), to('/d')]

  for (const [what, before, after, expected] of [
    ['is nothing where all stay', [a, b, a], [a, b, a], []],
    ['is one that comes', [a, b], [a, c, b], [{ change: 'added', at: 1, route: lines('/c') }]],
    ['is one that goes', [a, b, c], [a, c], [{ change: 'removed', from: 1, route: lines('/b') }]],
    [
      'is the one that moves, not those it passes',
      [a, b, c, d],
      [d, a, b, c],
      [{ change: 'moved', from: 3, at: 0, route: lines('/d') }],
    ],
    [
      'is another end of one that takes the same requests',
      [a, b],
      [a, { path: '/b', redirect: { to: '/c' } }],
      [
        {
          change: 'changed',
          from: 1,
          at: 1,
          route: '{ path: /b, redirect: { to: /c } }',
          keys: [
            { key: 'pool', from: 'p' },
            { key: 'redirect', to: { to: '/c' } },
          ],
        },
      ],
    ],
    [
      'is each of several, in order',
      [a, b, c],
      [d, to('/b', 'q'), c],
      [
        { change: 'removed', from: 0, route: lines('/a') },
        { change: 'added', at: 0, route: lines('/d') },
        {
          change: 'changed',
          from: 1,
          at: 1,
          route: lines('/b', 'q'),
          keys: [{ key: 'pool', from: 'p', to: 'q' }],
        },
      ],
    ],
    [
      'is one of two that are the same',
      [a, b, a],
      [a, b],
      [{ change: 'removed', from: 2, route: lines('/a') }],
    ],
  ] as const satisfies readonly (readonly [string, Route[], Route[], RouteChange[]])[])
    test(what, () => assert.deepEqual(routeChanges(before, after), expected))

  test('is on one line each, whatever a route says', () => {
    const route: Route = {
      path: '/x',
      answer: { status: 200, body: `two\nlines\u001b[31m ${'long '.repeat(100)}` },
    }
    const [change] = routeChanges([], [route])
    assert.match(
      change?.route ?? assert.fail(),
      /^\{ path: \/x, answer: \{ status: 200, body: .two\\nlines\\u001b\[31m long .*…. \} \}$/,
    )
  })

  test('makes the one list the other', () => {
    const some = [a, b, to('/b', 'q')]
    const lists = [[], ...[1, 2, 3, 4].flatMap((length) => listsOf(some, length))]
    for (const before of lists)
      for (const after of lists) {
        const changes = routeChanges(before, after)
        const gone = new Set(changes.flatMap((change) => ('from' in change ? [change.from] : [])))
        const placed = new Set(changes.flatMap((change) => ('at' in change ? [change.at] : [])))
        const [stay, stayed] = [before.filter((_, i) => !gone.has(i)), after.filter((_, i) => !placed.has(i))]
        assert.deepEqual(stayed, stay)
      }
  })

  test('is told of ten thousand routes in a moment', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => to(`/${i}`))
    assert.equal(routeChanges(many, many.toReversed()).length, 9999)
  })
})

/** All lists of so many of `some`. */
function listsOf<T>(some: readonly T[], length: number): T[][] {
  if (length === 0) return [[]]
  return listsOf(some, length - 1).flatMap((list) => some.map((one) => [...list, one]))
}
