import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { clientOf, weighted, workers } from '../../test/support/fakes.ts'
import { setWeight, Worker } from '../worker.ts'
import { hash, type HashOptions } from './hash.ts'
import { ipHash } from './ip-hash.ts'

const CLIENTS = Array.from({ length: 20_000 }, (_, i) => clientOf({ ip: `10.1.${i >> 8}.${i & 255}` }))
const weights = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 8 })

/** Who gets each of the clients. */
function owners(list: readonly Worker[]): (Worker | undefined)[] {
  const pick = ipHash()
  return CLIENTS.map((client) => pick(list, client))
}

suite('the hash of an address', () => {
  test('chooses the same worker for the same client, in any gateway and after any restart', () => {
    const list = workers(7)
    const elsewhere = list.toReversed().map(({ url }, i) => new Worker(url, 90 + i, 'worker'))
    const [here, there] = [ipHash(), ipHash()]
    for (const client of CLIENTS.slice(0, 500)) {
      const worker = here(list, client)
      assert.equal(here(list, client), worker)
      assert.equal(there(elsewhere, client)?.id, worker?.id)
    }
  })

  test('keeps to what it chose in earlier versions: a change would move every client', () => {
    const picked = [1, 2, 3, 4, 5, 6].map((i) => ipHash()(workers(9), clientOf({ ip: `192.0.2.${i}` }))?.seq)
    assert.deepEqual(picked, [4, 4, 7, 5, 6, 4])
  })

  test('moves the clients of a worker that leaves, and no others', () => {
    fc.assert(
      fc.property(weights, fc.nat(), (weights, which) => {
        const list = weighted(weights)
        const leaving = list[which % list.length] as Worker
        const before = owners(list)
        const after = owners(list.filter((worker) => worker !== leaving))
        let moved = 0
        for (const [i, owner] of before.entries())
          if (owner === leaving) moved++
          else assert.equal(after[i], owner)
        const share = leaving.weight / weights.reduce((sum, weight) => sum + weight)
        assert.ok(moved / CLIENTS.length <= share + 0.01, `${moved} moved, of a share of ${share}`)
      }),
      { numRuns: 20 },
    )
  })

  test('gives a worker that gained weight more clients, and takes none from it', () => {
    const list = weighted([2, 3, 5])
    const before = owners(list)
    const [grown] = list
    setWeight(grown as Worker, 4)
    const after = owners(list)
    for (const [i, owner] of after.entries()) if (owner !== before[i]) assert.equal(owner, grown)
    const share = after.filter((owner) => owner === grown).length / CLIENTS.length
    assert.ok(Math.abs(share - 4 / 12) <= 0.01, String(share))
  })

  test('spreads the clients of a worker that leaves over the others', () => {
    const list = workers(5)
    const before = owners(list)
    const after = owners(list.slice(1))
    const heirs = [0, 0, 0, 0, 0]
    for (const [i, owner] of before.entries())
      if (owner === list[0]) heirs[after[i]?.seq ?? 0] = (heirs[after[i]?.seq ?? 0] ?? 0) + 1
    const [, ...counts] = heirs
    for (const count of counts) assert.ok(Math.abs(count / CLIENTS.length - 0.05) <= 0.01, heirs.join())
  })

  test('is the same for an IPv4 address on an IPv6 socket', () => {
    const list = workers(50)
    assert.equal(
      ipHash()(list, clientOf({ ip: '::ffff:192.0.2.7' })),
      ipHash()(list, clientOf({ ip: '192.0.2.7' })),
    )
  })

  test('spreads clients without an address by chance', () => {
    const list = workers(3)
    const pick = ipHash()
    const picked = new Set(Array.from({ length: 200 }, () => pick(list, clientOf())))
    assert.equal(picked.size, 3)
  })
})

suite('the hash of', () => {
  const list = workers(100)

  for (const by of ['header', 'cookie', 'query'] as const)
    test(`a ${by} is the same from every address`, () => {
      const pick = hash({ by, name: 'user' })
      const of = (user: string, ip: string): Worker | undefined =>
        pick(list, clientOf({ ip, headers: { user } }))
      assert.equal(of('ada', '192.0.2.1'), of('ada', '192.0.2.2'))
      assert.notEqual(of('ada', '192.0.2.1'), of('grace', '192.0.2.1'))
    })

  test('a path is the same from every address', () => {
    const pick = hash({ by: 'path' })
    const of = (path: string, ip: string): Worker | undefined => pick(list, clientOf({ ip, path }))
    assert.equal(of('/a', '192.0.2.1'), of('/a', '192.0.2.2'))
    assert.notEqual(of('/a', '192.0.2.1'), of('/b', '192.0.2.1'))
  })

  for (const headers of [{}, { user: '' }])
    test(`what is ${'user' in headers ? 'empty' : 'absent'} is that of the address`, () => {
      const pick = hash({ by: 'header', name: 'user' })
      for (const client of CLIENTS.slice(0, 50))
        assert.equal(pick(list, clientOf({ ip: client.ip, headers })), ipHash()(list, client))
    })

  test('nothing at all is by chance', () => {
    const pick = hash({ by: 'cookie', name: 'user' })
    const picked = new Set(Array.from({ length: 200 }, () => pick(list.slice(0, 3), clientOf())))
    assert.equal(picked.size, 3)
  })

  for (const [options, message] of [
    [undefined, 'hash: undefined does not say by what; write { by: "header", name: "x-user" }'],
    [
      { by: 'header', name: '' },
      'hash.name: "" is no name; say which header, as { by: "header", name: "user" }',
    ],
    [{ by: 'query', name: 7 }, 'hash.name: 7 is no name; say which query, as { by: "query", name: "user" }'],
    [{ by: 'toString' }, 'hash.by: "toString" is unknown; use "header", "cookie", "query" or "path"'],
  ] as const)
    test(`an error: ${message}`, () => {
      assert.throws(() => hash(options as HashOptions), { name: 'OptionError', message })
    })
})
