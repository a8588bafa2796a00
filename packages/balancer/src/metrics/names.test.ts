import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { poolOf } from '../../test/support/fakes.ts'
import { createPool } from '../create-pool.ts'
import { Worker, type WorkerSpec } from '../worker.ts'
import { metricNames } from './names.ts'

function names(...specs: WorkerSpec[]): string[] {
  return [...metricNames(specs.map((spec, seq) => new Worker(spec, seq, 'worker'))).values()]
}
const named = (name: string, port = 9999): WorkerSpec => ({ url: `http://named.test:${port}`, name })

suite('the name of a worker in the plain metrics', () => {
  test('is its port, where no other has it', () => {
    assert.deepEqual(names('http://a.test:3001', 'http://a.test:3002', 'http://b.test'), [
      '3001',
      '3002',
      '80',
    ])
  })

  test('is its host and port, where another has the port', () => {
    assert.deepEqual(names('http://a.test:3001', 'http://b.test:3001', 'http://b.test:3002'), [
      'a_test_3001',
      'b_test_3001',
      '3002',
    ])
  })

  test('is its own name, if it has one, made safe', () => {
    assert.deepEqual(names(named('blue'), named('eu/west-1 é'), named('_')), ['blue', 'eu_west_1__', '_'])
  })

  test('is its host and port also where the other with its port has a name', () => {
    assert.deepEqual(names('http://a.test:3001', named('blue', 3001)), ['a_test_3001', 'blue'])
  })

  test('is safe for an IPv6 address too', () => {
    assert.deepEqual(names('http://[::1]:3001', 'http://[::2]:3001'), ['___1__3001', '___2__3001'])
  })

  test('is one for each, and safe, or there is an error, also when any of them leave', () => {
    const host = fc.constantFrom('a.test', 'a-test', 'b', '[::1]')
    const port = fc.constantFrom(80, 3001, 3002)
    const name = fc.constantFrom(undefined, undefined, 'b', '3001', '80', 'b_80', 'a-test:3001', 'x y')
    const spec = fc
      .tuple(host, port, name)
      .map(([host, port, name]) => ({ url: `http://${host}:${port}`, ...(name && { name }) }))
    const distinct = fc.uniqueArray(spec, { selector: ({ url, name }) => name ?? url.slice(7), maxLength: 6 })
    fc.assert(
      fc.property(distinct, fc.integer({ min: 0, max: 63 }), (specs, leaving) => {
        const workers = specs.map((spec, seq) => new Worker(spec, seq, 'worker'))
        try {
          metricNames(workers)
        } catch {
          return // refused at construction, so nobody ever leaves
        }
        const rest = workers.filter(({ seq }) => ((leaving >> seq) & 1) === 0)
        const names = [...metricNames(rest).values()]
        assert.equal(new Set(names).size, rest.length)
        for (const name of names) assert.match(name, /^[a-zA-Z0-9_]+$/)
      }),
      { numRuns: 1000 },
    )
  })
})

suite('two workers that would get one name', () => {
  for (const [what, specs, message] of [
    [
      'because only unsafe characters tell them apart',
      [named('a-b'), named('a_b')],
      'workers: "a_b" and "a-b" would both be "a_b" in the metrics; give one of them another name',
    ],
    [
      'because one is named as the port of the other',
      ['http://localhost:3001', named('3001')],
      'workers: "3001" and "localhost:3001" would both be "3001" in the metrics; give one of them another name',
    ],
    [
      'because one is named as the host and port of the other',
      ['http://a:3001', 'http://b:3001', named('a_3001')],
      'workers: "a_3001" and "a:3001" would both be "a_3001" in the metrics; give one of them another name',
    ],
    [
      'because their hosts differ in unsafe characters',
      ['http://a.b:3001', 'http://a-b:3001'],
      'workers: "a-b:3001" and "a.b:3001" would both be "a_b_3001" in the metrics; give one of them another name',
    ],
  ] satisfies [string, WorkerSpec[], string][])
    test(`${what} are an error at construction`, () => {
      assert.throws(() => createPool(specs), { name: 'OptionError', message })
    })

  test('once a third has left are an error at construction, so that removing never fails', () => {
    assert.throws(() => createPool(['http://a:3001', 'http://b:3001', named('3001')]), {
      name: 'OptionError',
      message: /would both be "3001" in the metrics/,
    })
  })

  test('once another is added are an error then', (t) => {
    const pool = poolOf(t, ['http://a:3001', named('a_3001')])
    assert.throws(() => pool.add('http://b:3001'), { name: 'OptionError', message: /would both be "a_3001"/ })
    assert.match(pool.metrics.plain(), /^worker_3001_alive 0\nworker_a_3001_alive 0$/m)
  })
})
