import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { WorkerFailure, type Terms } from '../../src/index.ts'
import { toTimeouts } from '../../src/timeouts.ts'
import { carrier, workerAt } from '../support/carrier.ts'
import { noCrashes } from '../support/crashes.ts'
import { deafWorker } from '../support/faulty.ts'
import { head, OK, type Create } from '../support/hostile.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { areWorkersInTls } from '../support/tls-workers.ts'
import { until } from '../support/until.ts'
import { opened, refusal, upgradeHead, webSocketWorker } from '../support/web-sockets.ts'

/** A time that is short, in ms, but long enough for a handshake where there is one. */
const short = (): number => (areWorkersInTls() ? 500 : 50)
const soon = (): number => performance.now() + short()

/** What an attempt is held to beside its timeouts. */
export function terms(create: Create): void {
  const failures = (ends: readonly unknown[]): object[] =>
    ends.map((end) => {
      assert.ok(end instanceof WorkerFailure, String(end))
      const { phase, timeout, reused, status } = end
      return { phase, timeout, reused, ...(status !== undefined && { status }) }
    })

  test('what is fresh goes over a connection that was never used, and leaves nothing open', async (t) => {
    noCrashes(t)
    const kept: Socket[] = []
    const raw = await rawWorker(t, (socket, { path }) => {
      if (path !== '/kept') socket.write(OK)
      else if (kept.push(socket) === 5) for (const one of kept) one.write(OK)
    })
    const worker = workerAt(raw.url)
    const { url, forwarder } = await carrier(t, create, (req) => [{ worker, fresh: req.url === '/fresh' }])
    await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/kept`)))
    assert.equal(raw.sockets.length, 5)
    for (let i = 0; i < 3; i++) assert.equal((await fetch(`${url}/fresh`)).status, 200)
    assert.equal(new Set(raw.requests.map(({ socket }) => socket)).size, 8)
    assert.equal((await fetch(url, { method: 'POST', body: 'x' })).status, 200)
    forwarder.close()
    await until('all are closed', () => raw.sockets.every(({ closed }) => closed))
  })

  test('an upgrade that is fresh outlives what made its connection', async (t) => {
    noCrashes(t)
    const { url, connections } = await webSocketWorker(t)
    const worker = workerAt(url)
    const { port } = await carrier(t, create, () => [{ worker, fresh: true }])
    const socket = await opened(t, port)
    for (const text of ['one', 'two']) {
      socket.send(text)
      const [answer] = (await once(socket, 'message')) as [Buffer]
      assert.equal(answer.toString(), text)
    }
    socket.close()
    await until('it is closed', () => connections.size === 0)
  })

  for (const [how, end] of [
    ['end', 'end'],
    ['reset', 'resetAndDestroy'],
  ] as const)
    test(`an attempt whose connection comes to its ${how} tells whether that was used before`, async (t) => {
      noCrashes(t)
      const raw = await rawWorker(t, (socket, { path }) => {
        if (path === '/') socket.write(OK)
        else socket[end]()
      })
      const worker = workerAt(raw.url)
      const { url, ends } = await carrier(t, create, () => [{ worker }])
      await fetch(`${url}/bad`)
      assert.equal((await fetch(url)).status, 200)
      await fetch(`${url}/bad`)
      assert.equal(raw.sockets.length, 2)
      const [first, , second] = ends
      assert.deepEqual(failures([first, second]), [
        { phase: 'request', timeout: false, reused: false },
        { phase: 'request', timeout: false, reused: true },
      ])
    })

  test('an attempt that times out blames no used connection for it', async (t) => {
    const raw = await rawWorker(t, (socket, { path }) => void (path === '/' && socket.write(OK)))
    const worker = workerAt(raw.url)
    const timeouts = toTimeouts({ response: short() })
    const { url, ends } = await carrier(t, create, () => [{ worker, timeouts }])
    assert.equal((await fetch(url)).status, 200)
    await fetch(`${url}/silent`)
    assert.deepEqual(failures(ends.slice(1)), [{ phase: 'request', timeout: true, reused: false }])
  })

  const unwanted: Pick<Terms, 'unwanted'> = { unwanted: new Set([502, 503]) }
  const BAD = 'HTTP/1.1 503 Busy\r\nX-Bad: 1\r\n'

  for (const [what, answer] of [
    ['with a length', `${BAD}Content-Length: 4\r\n\r\nbusy`],
    ['in chunks', `${BAD}Transfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n`],
    ['without a body', `${BAD}Content-Length: 0\r\n\r\n`],
  ] as const)
    test(`an unwanted answer ${what} is a failure, and the next attempt's is as if it were the first`, async (t) => {
      noCrashes(t)
      const [bad, good] = [await rawWorker(t, answer), await rawWorker(t, OK)]
      const workers = [workerAt(bad.url), workerAt(good.url)]
      const { url, ends } = await carrier(t, create, () => workers.map((worker) => ({ worker, ...unwanted })))
      for (let i = 0; i < 5; i++) {
        const got = await fetch(url)
        assert.deepEqual([got.status, got.statusText, await got.text()], [200, 'OK', 'ok'])
        assert.deepEqual([got.headers.get('x-bad'), got.headers.get('transfer-encoding')], [null, null])
        await until('it is read', () => bad.requests.length === i + 1)
      }
      assert.equal(bad.sockets.length, 1, 'its connection is used again')
      assert.deepEqual(failures(ends.slice(0, 1)), [
        { phase: 'response', timeout: false, reused: false, status: 503 },
      ])
    })

  for (const [what, answer, ends] of [
    ['is long', `${BAD}Content-Length: 9000000\r\n\r\n${'x'.repeat(1_000_000)}`, false],
    ['never ends', `${BAD}Content-Length: 9\r\n\r\nbusy`, false],
    ['breaks off', `${BAD}Content-Length: 9\r\n\r\nbusy`, true],
  ] as const)
    test(`an unwanted answer that ${what} costs its connection, and does no harm to the next attempt`, async (t) => {
      noCrashes(t)
      const bad = await rawWorker(t, (socket) => {
        socket.write(answer)
        if (ends) setTimeout(() => socket.resetAndDestroy(), 10)
      })
      const good = await rawWorker(t, (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun')
        void until('the other is closed', () => bad.sockets.every(({ closed }) => closed)).then(() =>
          socket.write('over'),
        )
      })
      const workers = [workerAt(bad.url), workerAt(good.url)]
      const { url } = await carrier(t, create, () => workers.map((worker) => ({ worker, ...unwanted })))
      assert.equal(await (await fetch(url)).text(), 'begunover')
    })

  test('an unwanted answer to a body that is under way ends the upload', async (t) => {
    noCrashes(t)
    const bad = await rawWorker(t, `${BAD}Content-Length: 4\r\n\r\nbusy`)
    const worker = workerAt(bad.url)
    const { port, ends } = await carrier(t, create, () => [{ worker, ...unwanted }])
    const client = await rawClient(t, port, `${head('POST /x', 'Content-Length: 9')}some`)
    assert.equal((await client.response()).status, 500)
    assert.equal(failures(ends).length, 1)
    await until('its connection is closed', () => bad.sockets.every(({ closed }) => closed))
  })

  test('answers that are not unwanted are passed on, of upgrades too; a refusal that is unwanted is not', async (t) => {
    const raw = await rawWorker(t, (socket, { head: got }) => {
      const status = got.startsWith('GET /unwanted') ? 503 : 500
      socket.write(`HTTP/1.1 ${status} Bad\r\nContent-Length: 3\r\n\r\nbad`)
    })
    const worker = workerAt(raw.url)
    const { url, port, ends } = await carrier(t, create, () => [{ worker, ...unwanted }])
    assert.equal((await fetch(url)).status, 500)
    assert.deepEqual(await refusal(t, port), { status: 500, body: 'bad' })
    const client = await rawClient(t, port, upgradeHead('/unwanted'))
    await client.rest()
    const failure = ends.at(-1)
    assert.ok(failure instanceof WorkerFailure)
    assert.deepEqual([failure.phase, failure.status], ['response', 503])
  })

  test('an answer must have begun when its time has come, however long the timeouts are', async (t) => {
    noCrashes(t)
    const [silent, deaf] = [workerAt((await rawWorker(t, () => {})).url), workerAt(await deafWorker(t))]
    const { url, port, ends } = await carrier(t, create, ({ url: path }) => [
      { worker: path === '/deaf' ? deaf : silent, until: soon() },
    ])
    await fetch(`${url}/silent`)
    await fetch(`${url}/deaf`)
    await refusal(t, port)
    assert.deepEqual(failures(ends), [
      { phase: 'request', timeout: true, reused: false },
      { phase: 'connect', timeout: true, reused: false },
      { phase: 'request', timeout: true, reused: false },
    ])
  })

  test('a body that is under way stops the clock, which goes on behind it', async (t) => {
    const raw = await rawWorker(t, () => {})
    const worker = workerAt(raw.url)
    let due = Infinity
    const { port, ends } = await carrier(t, create, () => [
      { worker, until: (due = performance.now() + 200) },
    ])
    const client = await rawClient(t, port, `${head('POST /x', 'Content-Length: 3')}a`)
    await until('its time is over', () => performance.now() > due + 100)
    client.send('b')
    await until('it came', () => raw.requests[0]?.body === 'ab')
    assert.equal(ends.length, 0)
    client.send('c')
    assert.equal((await client.response()).status, 500)
    assert.deepEqual(failures(ends), [{ phase: 'request', timeout: true, reused: false }])
    assert.equal(raw.requests[0]?.body, 'abc')
  })

  for (const [what, respond] of [
    ['breaks off', ''],
    ['gives an unwanted answer', `${BAD}Content-Length: 4\r\n\r\nbusy`],
  ] as const)
    test(`thirty attempts, of which each ${what}, warn of nothing`, async (t) => {
      noCrashes(t)
      const raw = await rawWorker(t, (socket) => void (respond ? socket.write(respond) : socket.end()))
      const worker = workerAt(raw.url)
      const plan = Array.from({ length: 30 }, () => ({ worker, ...unwanted }))
      const { url, port, ends } = await carrier(t, create, () => plan)
      assert.equal((await fetch(url)).status, 500)
      assert.equal(ends.length, 30)
      await refusal(t, port)
    })
}
