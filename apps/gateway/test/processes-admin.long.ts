import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { assertComesTo, bodies, byEach, lines, startCrew, type CrewSite, type WorkerStats } from './crew.ts'
import { get } from './processes.ts'
import { startBackend, until, type Backend } from './reloading.ts'
import { stream } from './stream.ts'

async function workerOf(crew: CrewSite, { id }: Backend): Promise<WorkerStats | undefined> {
  const { pools } = await crew.stats()
  return pools['default']?.workers.find((worker) => worker.id === id)
}

/** Who answers, by whichever process: many requests on new connections to each. */
async function whoAnswers(t: TestContext, crew: CrewSite): Promise<Set<string>[]> {
  return byEach(t, crew, async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => get(crew.gateway.url)))
    return new Set(answers.map(({ body }) => body))
  })
}

/** Kills the first process, and waits for the one that takes its place. */
async function replaceFirst(crew: CrewSite): Promise<void> {
  const [first] = await crew.serving()
  process.kill(first?.pid as number, 'SIGKILL')
  await until('another has its place', async () =>
    (await crew.serving()).some(({ number, pid }) => number === 1 && pid !== first?.pid),
  )
}

async function startTwo(t: TestContext, fields: object = {}) {
  const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
  const crew = await startCrew(t, { workers: [a.url, b.url], ...fields })
  return { a, b, crew }
}

const AB = new Set(['a', 'b'])
const A = new Set(['a'])

suite('a change by the admin API holds in every process once it is answered', () => {
  test('of a worker that is added, and of one that is removed', async (t) => {
    const { a, b, crew } = await startTwo(t)
    const c = await startBackend(t, 'c')
    const all = await lines(t, crew)
    assert.equal((await crew.call('POST', '/workers/default', { url: c.url })).status, 201)
    await until('it is up', async () => (await workerOf(crew, c))?.alive === true)
    for (const one of all) assert.deepEqual(new Set(await bodies([one], '/', 6)), new Set(['a', 'b', 'c']))
    for (const { id } of [a, c])
      assert.equal((await crew.call('DELETE', `/workers/default/${id}`)).status, 202)
    assert.deepEqual(new Set(await bodies(all, '/', 6)), new Set(['b']))
    await until('they have left', async () => (await workerOf(crew, a)) === undefined)
    assert.equal((await workerOf(crew, b))?.alive, true)
  })

  test('of weights', async (t) => {
    const { a, b, crew } = await startTwo(t, { strategy: 'weighted-round-robin' })
    const all = await lines(t, crew)
    assert.equal((await crew.call('PUT', `/workers/default/${a.id}/weight`, { weight: 3 })).status, 200)
    for (const one of all) {
      const answers = await bodies([one], '/', 8)
      assert.equal(answers.filter((body) => body === 'a').length, 6, answers.join(' '))
    }
    assert.equal((await crew.call('PUT', `/workers/default/${b.id}/weight`, { weight: 3 })).status, 200)
    for (const one of all) {
      const answers = await bodies([one], '/', 8)
      assert.equal(answers.filter((body) => body === 'a').length, 4, answers.join(' '))
    }
  })

  test('of a worker that is drained, and that is no more', async (t) => {
    const { b, crew } = await startTwo(t)
    const all = await lines(t, crew)
    assert.equal((await crew.call('POST', `/workers/default/${b.id}/drain`)).status, 202)
    assert.deepEqual(new Set(await bodies(all, '/', 6)), A)
    await crew.gateway.line(new RegExp(`worker ${b.id} of default is drained; exchanges that were cut: 0`))
    assert.equal((await crew.call('POST', `/workers/default/${b.id}/undrain`)).status, 200)
    for (const one of all) assert.deepEqual(new Set(await bodies([one], '/', 6)), AB)
  })
})

suite('a drain of several processes', () => {
  const DRAINED = /is drained; exchanges that were cut: (\d+)/

  test('is over when the last stream of any of them has ended', async (t) => {
    const { a, b, crew } = await startTwo(t)
    await crew.call('POST', `/workers/default/${a.id}/drain`)
    const streams = await byEach(t, crew, () => stream(t, crew.gateway.url))
    await crew.call('POST', `/workers/default/${a.id}/undrain`)
    const { length } = crew.gateway.lines
    await crew.call('POST', `/workers/default/${b.id}/drain`, { timeout: '1m' })
    await assertComesTo('in flight', async () => (await workerOf(crew, b))?.inFlight, 2)
    for (const [i, { res }] of streams.entries()) {
      await until('the others go on', async () => (await workerOf(crew, b))?.inFlight === streams.length - i)
      assert.ok(!crew.gateway.lines.slice(length).some((line) => DRAINED.test(line)))
      res.destroy()
    }
    assert.match(await crew.gateway.line(DRAINED, length), /cut: 0$/)
    assert.equal((await workerOf(crew, b))?.inFlight, 0)
  })

  test('cuts at its timeout what each of them has, and says how much', async (t) => {
    const { a, b, crew } = await startTwo(t)
    await crew.call('POST', `/workers/default/${a.id}/drain`)
    const streams = await byEach(t, crew, () => stream(t, crew.gateway.url))
    const { length } = crew.gateway.lines
    await crew.call('POST', `/workers/default/${a.id}/undrain`)
    await crew.call('POST', `/workers/default/${b.id}/drain`, { timeout: '300ms' })
    await Promise.all(streams.map(({ over }) => over))
    assert.match(await crew.gateway.line(DRAINED, length), /cut: 2$/)
    await until('nothing is in flight', async () => (await workerOf(crew, b))?.inFlight === 0)
  })

  test('of a worker that is deleted ends with its leaving', async (t) => {
    const { a, b, crew } = await startTwo(t)
    await crew.call('POST', `/workers/default/${a.id}/drain`)
    const streams = await byEach(t, crew, () => stream(t, crew.gateway.url))
    await crew.call('POST', `/workers/default/${a.id}/undrain`)
    await crew.call('DELETE', `/workers/default/${b.id}`, { timeout: '1m' })
    await assertComesTo('in flight', async () => (await workerOf(crew, b))?.inFlight, 2)
    assert.deepEqual(await whoAnswers(t, crew), [A, A])
    for (const { res } of streams) res.destroy()
    await crew.gateway.line(new RegExp(`worker ${b.id} has left default; exchanges that were cut: 0`))
    assert.equal(await workerOf(crew, b), undefined)
  })
})

suite('a process that comes later goes by what holds:', () => {
  test('one that takes the place of another, by edits, drains and weights', async (t) => {
    const { a, b, crew } = await startTwo(t, { strategy: 'weighted-round-robin' })
    const c = await startBackend(t, 'c')
    await crew.call('POST', '/workers/default', { url: c.url })
    await until('it is up', async () => (await workerOf(crew, c))?.alive === true)
    await crew.call('POST', `/workers/default/${b.id}/drain`)
    await crew.call('PUT', `/workers/default/${a.id}/weight`, { weight: 3 })
    await replaceFirst(crew)
    for (const one of await lines(t, crew)) {
      const answers = await bodies([one], '/', 8)
      assert.deepEqual(new Set(answers), new Set(['a', 'c']))
      assert.equal(answers.filter((body) => body === 'a').length, 6)
    }
    await crew.call('POST', `/workers/default/${b.id}/undrain`)
    for (const one of await lines(t, crew))
      assert.deepEqual(new Set(await bodies([one], '/', 10)), new Set(['a', 'b', 'c']))
  })

  test('those that join by a reload too', async (t) => {
    const { a, b, crew } = await startTwo(t)
    await crew.call('POST', `/workers/default/${b.id}/drain`)
    const c = await startBackend(t, 'c')
    await crew.call('POST', '/workers/default', { url: c.url })
    await until('it is up', async () => (await workerOf(crew, c))?.alive === true)
    await crew.call('DELETE', `/workers/default/${a.id}`)
    await crew.change({ ...crew.config, processes: 4 })
    await crew.settled(4)
    assert.deepEqual(
      await whoAnswers(t, crew),
      Array.from({ length: 4 }, () => new Set(['c'])),
    )
  })
})
