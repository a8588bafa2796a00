import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { ask, SELDOM, start, startWorker, testInPools, until, whoAnswers } from './running.ts'

const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)] as const

const signed = (secret: string, { port }: { port: number }): string =>
  createHmac('sha256', secret).update(`127.0.0.1:${port}`).digest('base64url')

testInPools('sessions stay with their worker', ['sticky.secret'], async (t, place) => {
  const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')]
  const { url } = await start(
    t,
    place.file({ workers: workers.map((worker) => worker.url), sticky: { secret: NEW } }),
  )
  const first = await ask(url)
  const [cookie = ''] = first.headers['set-cookie'] ?? []
  assert.match(cookie, /^rondo=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
  const [Cookie = ''] = cookie.split(';')
  assert.deepEqual(await whoAnswers(4, url, { headers: { Cookie } }), Array(4).fill(first.got.worker))
})

testInPools('an older secret is still believed', ['sticky.secret[]'], async (t, place) => {
  const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')] as const
  const { url } = await start(
    t,
    place.file({ workers: workers.map((worker) => worker.url), sticky: { secret: [NEW, OLD] } }),
  )
  for (const worker of workers) {
    const { got, headers } = await ask(url, { headers: { Cookie: `rondo=${signed(OLD, worker)}` } })
    assert.equal(got.worker, worker.name)
    assert.match(headers['set-cookie']?.[0] ?? '', new RegExp(`^rondo=${signed(NEW, worker)};`))
  }
})

testInPools(
  'the cookie has a name, a path and an age',
  ['sticky.name', 'sticky.path', 'sticky.maxAge'],
  async (t, place) => {
    const worker = await startWorker(t)
    const sticky = { secret: NEW, name: 'with', path: '/shop', maxAge: '1h' }
    const { url } = await start(t, place.file({ workers: [worker.url], sticky }))
    const { headers } = await ask(url)
    assert.match(
      headers['set-cookie']?.[0] ?? '',
      /^with=[\w-]{43}; Path=\/shop; Max-Age=3600; HttpOnly; SameSite=Lax$/,
    )
  },
)

testInPools('a worker that leaves is cut after the time of a drain', ['drain.timeout'], async (t, place) => {
  for (const [timeout, isCut] of [
    ['50ms', true],
    ['20s', false],
  ] as const) {
    const [leaver, stayer] = [await startWorker(t, 'leaver'), await startWorker(t, 'stayer')]
    const { url, reload } = await start(t, place.file({ workers: [leaver.url], drain: { timeout } }))
    const slow = ask(`${url}/?delay=500`).then(
      ({ got }) => got.worker,
      () => 'cut',
    )
    await until('it is under way', () => leaver.seen.length > 0)
    await reload(place.file({ workers: [stayer.url], drain: { timeout } }))
    assert.equal(await slow, isCut ? 'cut' : 'leaver')
  }
})

testInPools('sessions of a worker that is drained stay or leave', ['drain.sessions'], async (t, place) => {
  for (const sessions of ['stay', 'leave'] as const) {
    const [leaver, stayer] = [await startWorker(t, 'leaver'), await startWorker(t, 'stayer')]
    const fields = {
      sticky: { secret: NEW },
      drain: { sessions, timeout: '20s' },
      health: { schedule: SELDOM },
    }
    const { url, gateway } = await start(t, place.file({ workers: [leaver.url, stayer.url], ...fields }))
    const headers = { Cookie: `rondo=${signed(NEW, leaver)}` }
    assert.deepEqual(await whoAnswers(2, url, { headers }), ['leaver', 'leaver'])
    const drained = gateway.pools.get(place.pool)?.drain(`127.0.0.1:${leaver.port}`)
    const expected = sessions === 'stay' ? 'leaver' : 'stayer'
    assert.deepEqual(await whoAnswers(2, url, { headers }), [expected, expected])
    assert.deepEqual(await whoAnswers(2, url), ['stayer', 'stayer'])
    gateway.pools.get(place.pool)?.undrain(`127.0.0.1:${leaver.port}`)
    await drained
  }
})

testInPools('a worker that comes starts slowly', ['slowStart'], async (t, place) => {
  for (const slowStart of ['1h', undefined]) {
    const [old, fresh] = [await startWorker(t, 'old'), await startWorker(t, 'fresh')]
    const fields = { strategy: 'weighted-round-robin', ...(slowStart && { slowStart }) }
    const { url, gateway, reload } = await start(t, place.file({ workers: [old.url], ...fields }))
    await ask(url)
    await reload(place.file({ workers: [old.url, fresh.url], ...fields }))
    await until('it is up', () => gateway.pools.get(place.pool)?.workers.every(({ alive }) => alive) ?? false)
    const served = await whoAnswers(22, url)
    assert.equal(served.filter((name) => name === 'fresh').length, slowStart ? 2 : 11)
  }
})
