import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { get } from './processes.ts'
import { idsOf, lines, startSite, startWorkers, type Site } from './admin-site.ts'
import { SELDOM, until, whoAnswers } from './config/running.ts'
import { startBackend } from './reloading.ts'

const health = { schedule: SELDOM }

interface Shown {
  readonly id: string
  readonly weight: number
  readonly draining: boolean
  readonly inFlight: number
}

const all = async (site: Site): Promise<Shown[]> =>
  (await site.call('GET', '/workers/default')).body as Shown[]
const one = async (site: Site, id: string): Promise<Shown | undefined> =>
  (await all(site)).find((each) => each.id === id)

/** A worker whose answers to all but probes wait. */
async function startHolding(t: TestContext) {
  const waiting: (() => void)[] = []
  const backend = await startBackend(t, 'held', (_req, res) => void waiting.push(() => res.end('held')))
  return { ...backend, count: () => waiting.length, go: () => waiting.forEach((answer) => answer()) }
}

/** A gateway before a worker "a" and one, "held", whose answer to one of two requests waits. */
async function startWithHeld(
  t: TestContext,
  { weight = 1, ...more }: { weight?: number; drain?: object } = {},
) {
  const [a] = await startWorkers(t, 'a')
  const held = await startHolding(t)
  const workers = [
    { url: a?.url, name: 'a' },
    { url: held.url, name: 'held', weight },
  ]
  const fields = { workers, health, ...more }
  const site = await startSite(t, fields)
  const answers = Promise.allSettled([get(site.url), get(site.url)])
  await until('one is held', () => held.count() === 1)
  return { site, held, fields, answers }
}

/** How many requests were answered well. */
function answered(answers: readonly PromiseSettledResult<{ status: number }>[]): number {
  return answers.filter((each) => each.status === 'fulfilled' && each.value.status === 200).length
}

suite('a change through the admin API', () => {
  test('adds a worker, which serves as soon as it is well', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, { workers: [{ url: a?.url, name: 'a' }], health })
    await site.gateway.pools.get('default')?.ready
    const { status, body } = await site.call('POST', '/workers/default', {
      body: { url: b?.url, name: 'b', weight: 2 },
    })
    assert.equal(status, 201)
    const { id, weight } = body as Shown
    assert.deepEqual([id, weight], ['b', 2])
    await until('b serves', async () => (await whoAnswers(2, site.url)).includes('b'))
  })

  test('removes a worker when it carries nothing more, which can be seen until then', async (t) => {
    const { site, held, answers } = await startWithHeld(t)
    const { status, body } = await site.call('DELETE', '/workers/default/held')
    assert.equal(status, 202)
    const { draining, inFlight } = body as Shown
    assert.deepEqual([draining, inFlight], [true, 1])
    assert.deepEqual(await whoAnswers(3, site.url), ['a', 'a', 'a'])
    assert.equal((await one(site, 'held'))?.draining, true)
    assert.equal(
      (await site.call('PUT', '/workers/default/held/weight', { body: { weight: 2 } })).status,
      409,
    )
    held.go()
    assert.equal(answered(await answers), 2)
    await until('it has left', async () => (await one(site, 'held')) === undefined)
    assert.equal((await site.call('GET', '/workers/default/held')).status, 404)
  })

  test('cuts what a drain or a removal has not seen end in its own time', async (t) => {
    for (const [method, path] of [
      ['POST', '/workers/default/held/drain'],
      ['DELETE', '/workers/default/held'],
    ] as const) {
      const { site, answers } = await startWithHeld(t)
      assert.equal(
        (await site.call(method, path, { body: { timeout: '50ms', sessions: 'leave' } })).status,
        202,
      )
      assert.equal(answered(await answers), 1)
    }
  })

  test('of other workers does not shorten the time of a removal, nor does a reload', async (t) => {
    const [b] = await startWorkers(t, 'b')
    const { site, held, fields, answers } = await startWithHeld(t, { drain: { timeout: '20ms' } })
    await site.call('DELETE', '/workers/default/held', { body: { timeout: '1m' } })
    await site.call('POST', '/workers/default', { body: { url: b?.url, name: 'b' } })
    await site.call('PUT', '/workers/default/a/weight', { body: { weight: 2 } })
    assert.equal((await site.reload({ ...fields, metrics: 'off' })).error, undefined)
    await site.call('POST', '/workers/default/a/drain', { body: { timeout: '100ms' } })
    await until('that drain is over', () =>
      lines.some((line) => line.includes('worker a of default is drained')),
    )
    assert.equal((await one(site, 'held'))?.inFlight, 1)
    held.go()
    assert.equal(answered(await answers), 2)
  })

  test('drains a worker, which stays drained over reloads, and brings it back', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const fields = {
      workers: [
        { url: a?.url, name: 'a' },
        { url: b?.url, name: 'b' },
      ],
      health,
    }
    const site = await startSite(t, fields)
    await site.gateway.pools.get('default')?.ready
    assert.equal((await site.call('POST', '/workers/default/b/drain')).status, 202)
    assert.deepEqual(await whoAnswers(3, site.url), ['a', 'a', 'a'])
    await site.reload({ ...fields, metrics: 'off' })
    assert.equal((await one(site, 'b'))?.draining, true)
    assert.deepEqual(await whoAnswers(3, site.url), ['a', 'a', 'a'])
    const { status, body } = await site.call('POST', '/workers/default/b/undrain')
    assert.deepEqual([status, (body as Shown).draining], [200, false])
    assert.deepEqual((await whoAnswers(2, site.url)).toSorted(), ['a', 'b'])
  })

  test('takes a removal back while the worker is still there', async (t) => {
    const { site, held, fields, answers } = await startWithHeld(t, { weight: 3 })
    await site.call('DELETE', '/workers/default/held')
    assert.equal((await site.call('POST', '/workers/default/held/undrain')).status, 200)
    assert.deepEqual(site.gateway.edits, [])
    held.go()
    assert.equal(answered(await answers), 2)
    await site.reload({ ...fields, metrics: 'off' })
    const { draining, weight } = (await one(site, 'held')) ?? {}
    assert.deepEqual([draining, weight], [false, 3])
  })

  test('takes the removal of a worker back that only the API knew', async (t) => {
    const [a] = await startWorkers(t, 'a')
    const held = await startHolding(t)
    const fields = { workers: [{ url: a?.url, name: 'a' }], health }
    const site = await startSite(t, fields)
    await site.call('POST', '/workers/default', { body: { url: held.url, name: 'held', weight: 4 } })
    const answers: ReturnType<typeof get>[] = []
    await until('one is held', () => {
      if (held.count() === 0) answers.push(get(site.url))
      return held.count() > 0
    })
    await site.call('DELETE', '/workers/default/held')
    assert.deepEqual(site.gateway.edits, [])
    await site.call('POST', '/workers/default/held/undrain')
    await site.reload({ ...fields, metrics: 'off' })
    const { draining, weight } = (await one(site, 'held')) ?? {}
    assert.deepEqual([draining, weight], [false, 4])
    held.go()
    await Promise.all(answers)
  })

  test('never removes the last worker of a pool, but drains it', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, {
      workers: [
        { url: a?.url, name: 'a' },
        { url: b?.url, name: 'b' },
      ],
      health,
    })
    assert.equal((await site.call('DELETE', '/workers/default/a')).status, 202)
    const { status, body } = await site.call('DELETE', '/workers/default/b')
    assert.equal(status, 409)
    assert.equal(
      (body as { detail: string }).detail,
      '"b" is the last worker of this pool; drain it instead, or add another first',
    )
    assert.equal((await site.call('POST', '/workers/default/b/drain')).status, 202)
    assert.equal((await get(site.url)).status, 503)
  })

  test('goes the same way twice', async (t) => {
    const { site, held, answers } = await startWithHeld(t)
    for (const [method, path, status] of [
      ['POST', '/drain', 202],
      ['POST', '/drain', 202],
      ['POST', '/undrain', 200],
      ['POST', '/undrain', 200],
      ['DELETE', '', 202],
      ['DELETE', '', 202],
      ['POST', '/drain', 202],
    ] as const)
      assert.equal((await site.call(method, `/workers/default/held${path}`)).status, status)
    held.go()
    assert.equal(answered(await answers), 2)
    await until('it has left', async () => (await one(site, 'held')) === undefined)
  })

  test('goes on for who is there: connections, WebSockets and counters', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, { workers: [{ url: a?.url, name: 'a' }], health })
    const socket = new WebSocket(site.url.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    await site.call('POST', '/workers/default', { body: { url: b?.url, name: 'b' } })
    await site.call('PUT', '/workers/default/a/weight', { body: { weight: 3 } })
    const echoed = new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    )
    socket.send('hello')
    assert.equal(await echoed, 'hello')
    assert.equal((await one(site, 'a'))?.inFlight, 1)
    socket.close()
  })
})

suite('what was changed through the admin API', () => {
  test('survives a reload of another part of the file, and yields to one of its own', async (t) => {
    const [a, b, c, d] = (await startWorkers(t, 'a', 'b', 'c', 'd')).map(({ url, name }) => ({ url, name }))
    const fields = { workers: [a, b, d], health }
    const site = await startSite(t, fields)
    const seen = async (): Promise<string[]> => (await all(site)).map(({ id, weight }) => `${id} ${weight}`)
    await site.call('PUT', '/workers/default/a/weight', { body: { weight: 5 } })
    await site.call('DELETE', '/workers/default/b')
    await site.call('POST', '/workers/default', { body: { ...c, weight: 2 } })
    await until('b has left', async () => !(await seen()).includes('b 1'))
    assert.deepEqual((await seen()).toSorted(), ['a 5', 'c 2', 'd 1'])

    for (const change of [
      { metrics: 'off' },
      { strategy: 'ip-hash' },
      { health: { ...health, fall: 5 } },
      { pools: { api: { workers: [a, b] } } },
      { workers: [a, b, { ...d, weight: 9 }] },
      { workers: [d, b, a] },
    ]) {
      assert.equal((await site.reload({ ...fields, ...change })).error, undefined)
      const own = 'workers' in change && change.workers[2]?.name === 'd' ? 'd 9' : 'd 1'
      assert.deepEqual((await seen()).toSorted(), ['a 5', 'c 2', own])
    }
    assert.notEqual((await site.reload({ ...fields, strategy: 'best' })).error, undefined)
    assert.deepEqual((await seen()).toSorted(), ['a 5', 'c 2', 'd 1'])

    lines.length = 0
    await site.reload({
      ...fields,
      workers: [{ ...a, weight: 7 }, { ...b, weight: 2 }, { ...c, weight: 3 }, d],
    })
    assert.deepEqual((await seen()).toSorted(), ['a 7', 'b 2', 'c 3', 'd 1'])
    assert.deepEqual(
      lines.filter((line) => line.includes('holds no longer')).map((line) => line.replace(/^\S+ /, '')),
      ['a', 'b', 'c'].map(
        (id) =>
          `the change of worker ${id} of default holds no longer: the file says something else of that worker now`,
      ),
    )
    await site.reload(fields)
    assert.deepEqual((await seen()).toSorted(), ['a 1', 'b 1', 'd 1'])
  })

  test('is over with its pool', async (t) => {
    const [a, b] = (await startWorkers(t, 'a', 'b')).map(({ url, name }) => ({ url, name }))
    const site = await startSite(t, { pools: { api: { workers: [a] } } })
    await site.call('POST', '/workers/api', { body: b })
    await site.reload({ pools: { web: { workers: [a] } } })
    await site.reload({ pools: { api: { workers: [a] } } })
    assert.deepEqual(idsOf(site.gateway, 'api'), ['a'])
  })

  test('keeps a pool from being left without workers by a reload', async (t) => {
    const [a, b] = (await startWorkers(t, 'a', 'b')).map(({ url, name }) => ({ url, name }))
    const site = await startSite(t, { workers: [a, b], health })
    await site.call('DELETE', '/workers/default/a')
    lines.length = 0
    assert.equal((await site.reload({ workers: [a], health })).error, undefined)
    await until('b has left', () => String(idsOf(site.gateway)) === 'a')
    assert.equal(
      lines.filter((line) => /the change of worker a of default holds no longer: /.test(line)).length,
      1,
    )
  })
})

suite('changes and reloads at once', () => {
  test('are one after the other, and leave what the last ones say', async (t) => {
    const workers = await startWorkers(t, ...Array.from({ length: 8 }, (_, i) => `w${i}`))
    const [first, ...others] = workers.map(({ url, name }) => ({ url, name }))
    const fields = { workers: [first], health }
    const site = await startSite(t, fields)
    const deeds: Promise<unknown>[] = []
    for (const [round, worker] of [...others, ...others].entries()) {
      const path = `/workers/default/${worker.name}`
      deeds.push(
        round < others.length
          ? site.call('POST', '/workers/default', { body: worker })
          : site.call('PUT', `${path}/weight`, { body: { weight: round } }),
        site.reload({ ...fields, metrics: round % 2 === 0 ? 'on' : 'off' }),
      )
    }
    await Promise.all(deeds)
    await Promise.all(
      others.slice(0, 3).map((worker) => site.call('DELETE', `/workers/default/${worker.name}`)),
    )
    await site.reload(fields)
    await until('three have left', () => idsOf(site.gateway).length === workers.length - 3)
    assert.deepEqual(idsOf(site.gateway).toSorted(), ['w0', 'w4', 'w5', 'w6', 'w7'])
    const left = others.slice(3)
    await Promise.all(
      left.flatMap(({ name }, i) => [
        site.call('PUT', `/workers/default/${name}/weight`, { body: { weight: i + 2 } }),
        site.reload(fields),
      ]),
    )
    assert.deepEqual(
      (await all(site))
        .filter(({ id }) => id !== 'w0')
        .map(({ id, weight }) => `${id} ${weight}`)
        .toSorted(),
      left.map(({ name }, i) => `${name} ${i + 2}`),
    )
    assert.ok(site.gateway.reloads.every(({ error }) => error === undefined))
  })

  test('cost no request, on connections that are kept', { timeout: 50_000 }, async (t) => {
    const workers = await startWorkers(t, 'a', 'b', 'c')
    const [a, b, c] = workers.map(({ url, name }) => ({ url, name }))
    const fields = { workers: [a, b], health, strategy: 'weighted-round-robin' }
    const site = await startSite(t, fields)
    await site.gateway.pools.get('default')?.ready
    const stop = new AbortController()
    const statuses = new Map<string, number>()
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    t.after(() => agent.destroy())
    const ask = (): Promise<string> =>
      new Promise((resolve) => {
        const req = request(site.url, { agent, method: 'POST', headers: { 'Content-Length': 4 } }, (res) => {
          res
            .resume()
            .on('end', () => resolve(String(res.statusCode)))
            .on('error', (error) => resolve(error.message))
        })
        req.on('error', (error) => resolve(error.message)).end('body')
      })
    const client = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const status = await ask()
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    const clients = Promise.all(Array.from({ length: 8 }, client))
    for (let round = 0; round < 15; round++) {
      assert.equal((await site.call('POST', '/workers/default', { body: c })).status, 201)
      assert.equal(
        (await site.call('PUT', '/workers/default/a/weight', { body: { weight: round + 1 } })).status,
        200,
      )
      assert.equal((await site.call('POST', '/workers/default/b/drain')).status, 202)
      assert.equal((await site.call('POST', '/reload')).status, 200)
      assert.equal((await site.call('POST', '/workers/default/b/undrain')).status, 200)
      assert.equal((await site.call('DELETE', '/workers/default/c')).status, 202)
      await until('c has left', () => !idsOf(site.gateway).includes('c'))
    }
    stop.abort()
    await clients
    assert.deepEqual(Array.from(statuses.keys()), ['200'])
  })
})
