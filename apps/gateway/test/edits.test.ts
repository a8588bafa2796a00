import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { WorkerSpec } from '@rondo/balancer'
import type { Config } from '../src/config/config.ts'
import { parse } from '../src/config/load.ts'
import { applyEdits, idOf, withEdit, type Edit, type Spec } from '../src/edits.ts'

const fileOf = (workers: readonly unknown[], rest: object = {}): Config =>
  parse('f', JSON.stringify({ pools: { api: { workers } }, ...rest }), {}).config

const A = 'http://a:1'
const B = 'http://b:1'
const [ADDED, ADDED_URL] = [{ url: 'http://c:1' }, 'http://c:1']

/** The workers of `api` in short: url, and weight and name where they are given. */
const workersOf = (config: Config): unknown[] => [...(config.pools.get('api')?.workers ?? [])]

function edited(
  file: Config,
  ...changes: readonly (readonly [id: string, wanted: Spec | undefined])[]
): readonly Edit[] {
  return changes.reduce<readonly Edit[]>(
    (edits, [id, wanted]) => withEdit(edits, file, { pool: 'api', id, wanted }),
    [],
  )
}

suite('ids are those that the balancer gives', () => {
  for (const [spec, id] of [
    ['http://a:1', 'a:1'],
    ['http://A', 'a:80'],
    ['http://a:80/', 'a:80'],
    [{ url: 'http://[::1]:1' }, '[::1]:1'],
    [{ url: 'http://a:1', name: 'b/ü x' }, 'b/ü x'],
    [new URL('http://a:1'), 'a:1'],
  ] as const satisfies readonly (readonly [WorkerSpec, string])[])
    test(id, () => assert.equal(idOf(spec), id))
})

suite('an edit', () => {
  const removedA = ['a:1', undefined] as const
  const heavyA = ['a:1', { url: A, weight: 5 }] as const
  const addedC = ['c:1', ADDED] as const

  for (const [what, changes, before, after, expected, drops = 0] of [
    // what the file said when it was made, what it says now, what comes of both
    ['of a removal holds', [removedA], [A, B], [A, B], [B]],
    [
      'of a removal holds when another worker is changed',
      [removedA],
      [A, B],
      [A, { url: B, weight: 3 }],
      [{ url: B, weight: 3 }],
    ],
    [
      'of a removal holds when another worker goes',
      [removedA],
      [A, B, ADDED_URL],
      [A, ADDED_URL],
      [ADDED_URL],
    ],
    ['of a removal holds when the order changes', [removedA], [A, B], [B, A], [B]],
    [
      'of a removal holds when the same is written otherwise',
      [removedA],
      [A, B],
      [{ url: `${A}/`, weight: 1 }, B],
      [B],
    ],
    [
      'of a removal yields to another weight',
      [removedA],
      [A, B],
      [{ url: A, weight: 2 }, B],
      [{ url: A, weight: 2 }, B],
      1,
    ],
    ['of a removal is over when the file removes it too', [removedA], [A, B], [B], [B], 1],
    ['of a removal that would leave nobody does not hold', [removedA], [A, B], [A], [A], 1],
    ['of a weight holds', [heavyA], [A, B], [A, B], [{ url: A, weight: 5 }, B]],
    [
      'of a weight holds when another worker comes',
      [heavyA],
      [A, B],
      [A, B, ADDED_URL],
      [{ url: A, weight: 5 }, B, ADDED_URL],
    ],
    [
      'of a weight yields to another weight',
      [heavyA],
      [A, B],
      [{ url: A, weight: 2 }, B],
      [{ url: A, weight: 2 }, B],
      1,
    ],
    ['of a weight is over when the worker goes', [heavyA], [A, B], [B], [B], 1],
    [
      'of a weight is over when the file says the same',
      [heavyA],
      [A, B],
      [{ url: A, weight: 5 }, B],
      [{ url: A, weight: 5 }, B],
      1,
    ],
    ['of one more worker holds', [addedC], [A], [A, B], [A, B, ADDED]],
    ['of one more worker holds when all others change', [addedC], [A], [B], [B, ADDED]],
    ['of one more worker is over when the file has it', [addedC], [A], [A, ADDED_URL], [A, ADDED_URL], 1],
    [
      'of one more worker yields to one with another weight',
      [addedC],
      [A],
      [A, { ...ADDED, weight: 4 }],
      [A, { ...ADDED, weight: 4 }],
      1,
    ],
    [
      'of a worker under a name yields to another of that name',
      [['n', { url: B, name: 'n' }]],
      [A],
      [A, { url: 'http://d:1', name: 'n' }],
      [A, { url: 'http://d:1', name: 'n' }],
      1,
    ],
    [
      "is over where its name would be another worker's in metrics",
      [['c_1', { url: B, name: 'c_1' }]],
      [A],
      [A, { url: 'http://x:9', name: 'c.1' }],
      [A, { url: 'http://x:9', name: 'c.1' }],
      1,
    ],
    [
      "of a removal holds beside one more worker though it leaves none of the file's",
      [removedA, addedC],
      [A],
      [A],
      [ADDED],
    ],
    [
      'that is made again takes the place of the first',
      [heavyA, ['a:1', { url: A, weight: 7 }]],
      [A, B],
      [A, B],
      [{ url: A, weight: 7 }, B],
    ],
    ['that is taken back is none', [removedA, ['a:1', { url: A, weight: 1 }]], [A, B], [A, B], [A, B]],
  ] as const satisfies readonly (readonly [
    string,
    readonly (readonly [string, Spec | undefined])[],
    readonly unknown[],
    readonly unknown[],
    readonly unknown[],
    number?,
  ])[])
    test(what, () => {
      const edits = edited(fileOf(before), ...changes)
      const { config, dropped, edits: held } = applyEdits(fileOf(after), edits)
      assert.deepEqual(workersOf(config), expected)
      assert.equal(dropped.length, drops)
      assert.equal(held.length, edits.length - drops)
    })

  test('holds no longer when its pool is gone, nor when it comes back', () => {
    const edits = edited(fileOf([A, B]), removedA)
    const { edits: held, dropped } = applyEdits(
      parse('f', JSON.stringify({ pools: { web: { workers: [A] } } }), {}).config,
      edits,
    )
    assert.deepEqual(held, [])
    assert.match(dropped[0]?.why ?? '', /no such pool/)
    assert.deepEqual(workersOf(applyEdits(fileOf([A, B]), held).config), [A, B])
  })

  test('of one pool leaves the others alone, and the rest of the config', () => {
    const file = parse(
      'f',
      JSON.stringify({ workers: [A, B], pools: { api: { workers: [A, B], strategy: 'ip-hash' } } }),
      {},
    ).config
    const { config } = applyEdits(file, edited(file, removedA))
    assert.deepEqual(config.pools.get('default'), file.pools.get('default'))
    assert.deepEqual(config.pools.get('api'), { ...file.pools.get('api'), workers: [B] })
    assert.deepEqual({ ...config, pools: undefined }, { ...file, pools: undefined })
  })

  test('that holds not any more leaves the others', () => {
    const file = fileOf([A, B])
    const edits = edited(file, heavyA, addedC)
    const { config, edits: held } = applyEdits(fileOf([{ url: A, weight: 2 }, B]), edits)
    assert.deepEqual(workersOf(config), [{ url: A, weight: 2 }, B, ADDED])
    assert.deepEqual(
      held.map(({ id }) => id),
      ['c:1'],
    )
  })
})
