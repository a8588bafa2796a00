import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Worker, type Lease, type Outcome, type WorkerSpec } from './worker.ts'

suite('the id of a worker', () => {
  for (const [spec, id, hostname, port] of [
    ['http://localhost:3001', 'localhost:3001', 'localhost', 3001],
    ['http://localhost:3001/', 'localhost:3001', 'localhost', 3001],
    ['http://LocalHost:3001', 'localhost:3001', 'localhost', 3001],
    ['http://example.test', 'example.test:80', 'example.test', 80],
    ['http://example.test:80', 'example.test:80', 'example.test', 80],
    ['https://example.test', 'example.test:443', 'example.test', 443],
    ['https://example.test:8443', 'example.test:8443', 'example.test', 8443],
    ['http://192.0.2.1:8080', '192.0.2.1:8080', '192.0.2.1', 8080],
    ['http://[::1]:3001', '[::1]:3001', '::1', 3001],
    ['http://[2001:DB8::1]', '[2001:db8::1]:80', '2001:db8::1', 80],
    [new URL('http://localhost:3002'), 'localhost:3002', 'localhost', 3002],
    [{ url: 'http://localhost:3003' }, 'localhost:3003', 'localhost', 3003],
    [{ url: new URL('http://localhost:3003'), name: 'blue' }, 'blue', 'localhost', 3003],
  ] satisfies [WorkerSpec, string, string, number][])
    test(`given as ${JSON.stringify(spec)} is ${id}`, () => {
      const worker = new Worker(spec, 0, 'worker')
      assert.deepEqual([worker.id, worker.hostname, worker.port], [id, hostname, port])
    })
})

suite('a worker', () => {
  test('is not alive, and counts nothing, before anything happened', () => {
    const worker = new Worker('http://localhost:3001', 7, 'worker')
    assert.deepEqual(
      [worker.alive, worker.inFlight, worker.requests, worker.seq, worker.weight],
      [false, 0, 0, 7, 1],
    )
    assert.deepEqual(new Set(Object.values(worker.outcomes)), new Set([0]))
  })

  test('has nothing that could be written from outside', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    for (const fact of ['alive', 'draining', 'weight', 'latency', 'inFlight', 'requests', 'outcomes'])
      assert.equal(Reflect.set(worker, fact, 1), false, fact)
  })

  test('has the weight it was given', () => {
    assert.equal(new Worker({ url: 'http://localhost:3001', weight: 0.5 }, 0, 'worker').weight, 0.5)
  })
})

suite('what is no worker is an error that names the option, the value and the mend:', () => {
  for (const [spec, message] of [
    [
      'localhost:3001',
      'o: "localhost:3001" has the unsupported protocol "localhost:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
    ],
    ['localhost', 'o: "localhost" is not a URL; write it as "http://host:port"'],
    ['', 'o: "" is not a URL; write it as "http://host:port"'],
    ['http://', 'o: "http://" is not a URL; write it as "http://host:port"'],
    ['http://localhost:65536', 'o: "http://localhost:65536" is not a URL; write it as "http://host:port"'],
    [
      'http://localhost:0',
      'o: "http://localhost:0" names port 0, where nobody can be reached; use 1 to 65535',
    ],
    [
      'ftp://a.test',
      'o: "ftp://a.test" has the unsupported protocol "ftp:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
    ],
    ['http://a.test/api', 'o: "http://a.test/api" is more than an origin; write it as "http://a.test"'],
    ['http://a.test?x=1', 'o: "http://a.test?x=1" is more than an origin; write it as "http://a.test"'],
    ['http://a.test/#x', 'o: "http://a.test/#x" is more than an origin; write it as "http://a.test"'],
    ['http://me:pw@a.test', 'o: "http://me:pw@a.test" is more than an origin; write it as "http://a.test"'],
    [{ url: 'nowhere' }, 'o: "nowhere" is not a URL; write it as "http://host:port"'],
    [{}, 'o: undefined is not a URL; write it as "http://host:port"'],
    [null, 'o: null is not a URL; write it as "http://host:port"'],
    [undefined, 'o: undefined is not a URL; write it as "http://host:port"'],
    [3001, 'o: 3001 is not a URL; write it as "http://host:port"'],
    [{ url: 'http://a.test', name: '' }, 'o.name: "" is not a name; give a string that is not empty'],
    [{ url: 'http://a.test', name: '  ' }, 'o.name: "  " is not a name; give a string that is not empty'],
    [{ url: 'http://a.test', name: 3 }, 'o.name: 3 is not a name; give a string that is not empty'],
    [{ url: 'http://a.test', weight: 0 }, 'o.weight: 0 is not a weight; give a number above 0'],
    [{ url: 'http://a.test', weight: -1 }, 'o.weight: -1 is not a weight; give a number above 0'],
    [{ url: 'http://a.test', weight: NaN }, 'o.weight: NaN is not a weight; give a number above 0'],
    [{ url: 'http://a.test', weight: Infinity }, 'o.weight: Infinity is not a weight; give a number above 0'],
    [{ url: 'http://a.test', weight: '2' }, 'o.weight: "2" is not a weight; give a number above 0'],
  ] as const)
    test(message.slice(3), () => {
      assert.throws(() => new Worker(spec as WorkerSpec, 0, 'o'), { name: 'OptionError', message })
    })
})

suite('a lease', () => {
  test('counts its attempt at once, and as in flight until it is released', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const lease = worker.lease()
    assert.equal(lease.worker, worker)
    assert.deepEqual([worker.requests, worker.inFlight], [1, 1])
    lease.release(200)
    assert.deepEqual([worker.requests, worker.inFlight, worker.outcomes['2xx']], [1, 0, 1])
  })

  test('is released once: a second release does nothing, whatever it says', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const told: Outcome[] = []
    const lease = worker.lease(undefined, (_worker, outcome) => told.push(outcome))
    worker.lease()
    lease.release(200)
    lease.release(200)
    lease.release('failed')
    assert.deepEqual([worker.inFlight, worker.outcomes['2xx'], worker.outcomes.failed], [1, 1, 0])
    assert.deepEqual(told, [200])
  })

  test('never changes who is alive', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    for (const outcome of [200, 'failed', 'client-gone', 503] as const) worker.lease().release(outcome)
    assert.equal(worker.alive, false)
  })

  for (const [outcome, counted] of [
    [101, '1xx'],
    [200, '2xx'],
    [299, '2xx'],
    [304, '3xx'],
    [404, '4xx'],
    [500, '5xx'],
    [599, '5xx'],
    [799, '5xx'], // unknown, so like the last class that is (RFC 9110, 15)
    ['failed', 'failed'],
    ['client-gone', 'client-gone'],
  ] as const)
    test(`that ends in ${outcome} is counted as ${counted}`, () => {
      const worker = new Worker('http://localhost:3001', 0, 'worker')
      worker.lease().release(outcome)
      const others = Object.entries(worker.outcomes).filter(([, count]) => count !== 0)
      assert.deepEqual(others, [[counted, 1]])
    })

  test('keeps the counts right in whatever order attempts begin and end, and however often', () => {
    const outcomes = fc.oneof(
      fc.integer({ min: 100, max: 999 }),
      fc.constantFrom('failed' as const, 'client-gone' as const),
    )
    const steps = fc.array(fc.option(fc.tuple(fc.nat(20), outcomes)), { maxLength: 100 })
    fc.assert(
      fc.property(steps, (steps) => {
        const worker = new Worker('http://localhost:3001', 0, 'worker')
        const leases: Lease[] = []
        const released = new Set<Lease>()
        let told = 0
        for (const step of steps) {
          if (step === null) leases.push(worker.lease(undefined, () => told++))
          else {
            const [index, outcome] = step
            const lease = leases[index]
            lease?.release(outcome)
            if (lease) released.add(lease)
          }
          assert.equal(worker.requests, leases.length)
          assert.equal(worker.inFlight, leases.length - released.size)
          assert.equal(told, released.size)
          const counts = Object.values(worker.outcomes)
          assert.equal(
            counts.reduce((sum, count) => sum + count),
            released.size,
          )
          assert.ok(counts.every((count) => Number.isInteger(count) && count >= 0))
        }
      }),
    )
  })
})

suite('the latency of a worker', () => {
  /** Attempts that last as long as they say and end as they say, one after the other, with no time between. */
  function after(...attempts: readonly (readonly [number, Outcome])[]): { worker: Worker; now: number } {
    const state = { now: 1_000_000 }
    const worker = new Worker('http://localhost:3001', 0, 'worker', () => state.now)
    for (const [duration, outcome] of attempts) {
      const lease = worker.lease()
      state.now += duration
      lease.release(outcome)
    }
    return Object.assign(state, { worker })
  }

  test('is 0 before the first attempt is over, and then how long that took', () => {
    assert.equal(after().worker.latency, 0)
    assert.equal(after([30, 200]).worker.latency, 30)
  })

  test('jumps up with a slower answer, and comes down by degrees with faster ones', () => {
    assert.equal(after([30, 200], [300, 200]).worker.latency, 300)
    const { latency } = after([30, 200], [300, 200], [30, 200]).worker
    assert.ok(latency > 290 && latency < 300, String(latency))
  })

  test('is forgotten with time, so that who was slow is tried again', () => {
    const state = after([1000, 200])
    state.now += 60_000
    assert.ok(state.worker.latency < 5)
  })

  test('is not lowered by a failure, however fast, nor by time that passes in failures', () => {
    assert.equal(after([100, 200], [1, 'failed']).worker.latency, 100)
    const state = after([100, 200])
    state.now += 60_000
    state.worker.lease().release('failed')
    assert.equal(state.worker.latency, 100)
  })

  test('is raised by a slow failure', () => {
    assert.equal(after([100, 200], [3000, 'failed']).worker.latency, 3000)
  })

  test('is told neither by clients that left nor by upgraded connections', () => {
    assert.equal(after([50, 200], [9000, 'client-gone'], [9000, 101]).worker.latency < 50, true)
    assert.equal(after([9000, 101]).worker.latency, 0)
  })
  test('is how long a TCP connection took to stand, however long it then goes on and however it ends', () => {
    for (const outcome of ['closed', 'idle', 'failed', 'client-gone'] as const) {
      const state = { now: 1_000_000 }
      const worker = new Worker('http://localhost:3001', 0, 'worker', () => state.now)
      const lease = worker.lease()
      state.now += 20
      lease.connected()
      assert.equal(worker.latency, 20)
      state.now += 100
      lease.release(outcome)
      assert.ok(worker.latency > 19 && worker.latency < 20, `${worker.latency} ms`)
    }
  })
})
