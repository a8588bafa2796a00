import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Config } from '../src/config/config.ts'
import type { ServingProcess } from '../src/processes/serving-process.ts'
import { Shares } from '../src/processes/shares.ts'

/** What a process of this many connections is to shares. */
function serving(connections: number, state: ServingProcess['state'] = 'serving'): ServingProcess {
  return { state, report: { id: 0, rss: 0, connections: { '80': connections } } } as unknown as ServingProcess
}

/** What each may have when they are dealt with; undefined for who is told nothing. */
function dealt(shares: Shares, all: readonly ServingProcess[]): (number | undefined)[] {
  const given = new Map<ServingProcess, number | undefined>()
  shares.deal(all, (one, share) => given.set(one, share['80']))
  return all.map((one) => given.get(one))
}

function limited(connections: number): Shares {
  const shares = new Shares()
  const listen = [{ host: undefined, port: 80 }]
  shares.reset({ listen, tcp: [], limits: { connections, header: 1 } } as unknown as Config)
  return shares
}

suite('the connections that a listener may have', () => {
  test('are dealt out to the last, evenly, and what was used stays with who has it', () => {
    assert.deepEqual(dealt(limited(10), [serving(0), serving(0), serving(0)]), [3, 3, 4])
    assert.deepEqual(dealt(limited(10), [serving(6), serving(0)]), [8, 2])
    assert.deepEqual(dealt(limited(10), [serving(6, 'ending'), serving(0), serving(0)]), [undefined, 2, 2])
  })

  test('are dealt out again when one runs short, or another comes, and else are left', () => {
    const shares = limited(100)
    const [one, other] = [serving(0), serving(0)]
    assert.deepEqual(dealt(shares, [one, other]), [50, 50])
    Object.assign(one, serving(30))
    assert.deepEqual(dealt(shares, [one, other]), [undefined, undefined])
    Object.assign(one, serving(40))
    assert.deepEqual(dealt(shares, [one, other]), [70, 30])
    assert.deepEqual(dealt(shares, [one, other, serving(0)]), [60, 20, 20])
  })

  test('are one for each at least, also where there are none', () => {
    assert.deepEqual(dealt(limited(1), [serving(0), serving(0)]), [1, 1])
    assert.deepEqual(dealt(limited(10), [serving(12), serving(0)]), [12, 1])
  })

  test('are a part for each at the beginning', () => {
    const { limits, tcp } = Shares.first(
      { limits: { connections: 10, header: 1 }, tcp: [{ maxConnections: 3 }] } as unknown as Config,
      4,
    )
    assert.deepEqual([limits.connections, tcp[0]?.maxConnections], [3, 1])
  })
})
