import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { WebSocket } from 'ws'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { readOpenMetrics, type Sample } from '../../../packages/balancer/test/support/open-metrics.ts'
import { bodies, byEach, lines, startCrew, type CrewSite, type Line, type PoolStats } from './crew.ts'
import { get } from './processes.ts'
import { startBackend, until } from './reloading.ts'
import { askSecurely, pairOf } from './secure.ts'
import { dial, dialTls, fate, say, startEcho } from './tcp-site.ts'

const OPEN_METRICS = { accept: 'application/openmetrics-text' }

/** The sum of the samples of that name, of those with these labels. */
function sum(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number {
  return samples
    .filter((one) => one.name === name)
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((total, { value }) => total + value, 0)
}

async function samplesBy(line: Pick<Line, 'get'>): Promise<Sample[]> {
  const { type, body } = await line.get('/metrics', OPEN_METRICS)
  assert.match(type, /^application\/openmetrics-text/)
  return readOpenMetrics(body)
}

async function poolOf(crew: CrewSite): Promise<PoolStats> {
  const pool = (await crew.stats()).pools['default']
  assert.ok(pool)
  return pool
}

/** What the workers of a pool have of these. */
function total(pool: PoolStats, count: (worker: PoolStats['workers'][number]) => number): number {
  return pool.workers.reduce((all, worker) => all + count(worker), 0)
}

suite('what several processes count is told as one sum', () => {
  test('right after the last response, by each of them on the traffic listener, and by the admin API', async (t) => {
    const backends = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const crew = await startCrew(t, { processes: 3, workers: backends.map(({ url }) => url) })
    const all = await lines(t, crew)
    let asked = all.length
    for (const [i, one] of all.entries()) {
      const times = 7 * (i + 1)
      await bodies([one], '/', times)
      asked += times
      for (const teller of all) {
        const samples = await samplesBy(teller)
        assert.equal(sum(samples, 'rondo_requests_total'), asked)
        assert.equal(sum(samples, 'rondo_worker_requests_total', { status: '2xx' }), asked)
        assert.equal(sum(samples, 'rondo_worker_request_duration_seconds_count'), asked)
        assert.equal(sum(samples, 'rondo_requests_active'), 0)
        assert.equal(sum(samples, 'rondo_worker_in_flight'), 0)
        assert.equal(sum(samples, 'rondo_worker_alive'), 2)
        assert.equal(sum(samples, 'rondo_processes'), 3)
        assert.equal(sum(samples, 'rondo_process_falls_total'), 0)
        const plain = await teller.get('/metrics')
        assert.match(plain.type, /^text\/plain/)
        assert.match(plain.body, new RegExp(`^requests_total ${asked}$`, 'm'))
        assert.match(plain.body, /^requests_active 0$/m)
      }
    }

    const pool = await poolOf(crew)
    assert.equal(pool.requests.total, asked)
    assert.equal(pool.requests.active, 0)
    assert.ok((pool.quantiles?.p50 ?? 0) > 0)
    assert.equal(
      total(pool, ({ attempts }) => attempts),
      asked,
    )
    const workers = (await crew.call('GET', '/workers')).body as PoolStats['workers']
    assert.equal(
      workers.reduce((sum, { outcomes }) => sum + (outcomes['2xx'] ?? 0), 0),
      asked,
    )
    const metrics = readOpenMetrics((await get(`${crew.admin}/metrics`, OPEN_METRICS)).body)
    assert.equal(sum(metrics, 'rondo_requests_total'), asked)
  })

  test('while requests are under way in each of them, with their connections', async (t) => {
    const waiting: (() => void)[] = []
    const backend = await startBackend(t, 'held', ({ url }, res) => {
      if (url === '/held') waiting.push(() => res.end('held'))
      else res.end()
    })
    const crew = await startCrew(t, { workers: [backend.url] })
    const all = await lines(t, crew)
    const answers = bodies(all, '/held')
    await until('all are under way', () => waiting.length === 2)
    const pool = await poolOf(crew)
    assert.deepEqual([pool.requests.active, pool.workers[0]?.inFlight], [2, 2])
    const { processes, listeners } = await crew.stats()
    assert.deepEqual(
      processes.map(({ connections }) => connections),
      [1, 1],
    )
    assert.equal(listeners[0]?.connections, 2)
    for (const go of waiting) go()
    await answers
    const after = await poolOf(crew)
    assert.deepEqual([after.requests.active, after.workers[0]?.inFlight], [0, 0])
  })

  test('of WebSockets', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { workers: [backend.url] })
    const sockets = await byEach(t, crew, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${crew.gateway.port}/`)
      t.after(() => socket.terminate())
      await once(socket, 'open')
      socket.send('hello')
      assert.equal(String((await once(socket, 'message'))[0]), 'hello')
      return socket
    })
    const open = await poolOf(crew)
    assert.deepEqual([open.requests.active, open.workers[0]?.inFlight], [2, 2])
    for (const socket of sockets) socket.close()
    await until('all are over', async () => (await poolOf(crew)).requests.active === 0)
    const { requests, workers } = await poolOf(crew)
    assert.equal(requests.total, 2)
    assert.equal(workers[0]?.outcomes['1xx'], 2)
  })

  test('of TCP connections and their bytes', async (t) => {
    const echo = await startEcho(t)
    const crew = await startCrew(t, {
      listen: undefined,
      tcp: [{ listen: '127.0.0.1:0', pool: 'default' }],
      workers: [echo.url],
    })
    const { port } = crew.gateway
    const sockets = await byEach(t, crew, async () => {
      const socket = await dial(t, port)
      assert.equal(await say(socket, 'hello'), 'hello')
      return socket
    })
    assert.equal((await poolOf(crew)).requests.active, 2)
    assert.equal((await crew.stats()).listeners[0]?.connections, 2)
    for (const socket of sockets) {
      assert.equal(await say(socket, 'x'.repeat(1000)), 'x'.repeat(1000))
      socket.end()
      assert.equal((await fate(socket)).how, 'end')
    }
    await until('all are over', async () => (await poolOf(crew)).requests.active === 0)
    const pool = await poolOf(crew)
    assert.equal(pool.requests.total, 2)
    assert.equal(
      total(pool, ({ received }) => received),
      2010,
    )
    assert.equal(
      total(pool, ({ sent }) => sent),
      2010,
    )
    assert.equal(
      total(pool, ({ outcomes }) => outcomes['closed'] ?? 0),
      2,
    )
  })
})

suite('connections that several processes refuse are added up', () => {
  /** Refusals of the first listener. */
  const refused = async (crew: CrewSite): Promise<number> => {
    const { refusals = {} } = (await crew.stats()).listeners[0] ?? {}
    return Object.values(refusals).reduce((all, count) => all + count, 0)
  }
  const inMetrics = async ({ admin }: CrewSite): Promise<number> =>
    sum(
      readOpenMetrics((await get(`${admin}/metrics`, OPEN_METRICS)).body),
      'rondo_connections_refused_total',
    )

  test('for want of a header of the PROXY protocol', async (t) => {
    const echo = await startEcho(t)
    const crew = await startCrew(t, {
      listen: undefined,
      trustedProxies: ['127.0.0.1'],
      tcp: [{ listen: '127.0.0.1:0', pool: 'default', proxyProtocol: { accept: true } }],
      workers: [echo.url],
    })
    for (let round = 1; round <= 2; round++) {
      await byEach(t, crew, async () => {
        const socket = await dial(t, crew.gateway.port)
        socket.write('GET / HTTP/1.1\r\n\r\n')
        await fate(socket)
      })
      assert.equal(await refused(crew), 2 * round)
      assert.equal(await inMetrics(crew), 2 * round)
    }
  })

  test('for handshakes of TLS that fail; those that do not are served by all', async (t) => {
    const authority = createAuthority(t)
    const backend = await startBackend(t, 'backend')
    const tls = { ...pairOf(authority.issue(['a.test'])) }
    const crew = await startCrew(t, {
      listen: { port: 0, host: '127.0.0.1', tls },
      workers: [backend.url],
    })
    const { port } = crew.gateway
    await byEach(t, crew, async () => {
      const socket = await dial(t, port)
      socket.write('this is no hello at all, and never was\r\n\r\n')
      await fate(socket)
    })
    const answers = await byEach(t, crew, () => askSecurely(port, 'a.test', { ca: authority.cert }))
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['backend', 'backend'],
    )
    assert.equal(await refused(crew), 2)
    assert.equal(await inMetrics(crew), 2)
    const kept = await byEach(t, crew, () => dialTls(t, port, 'a.test'))
    assert.equal((await crew.stats()).listeners[0]?.connections, kept.length)
  })
})
