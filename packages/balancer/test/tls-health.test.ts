import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { createPool, type Pool, type PoolOptions } from '../src/index.ts'
import { createAuthority, type Authority } from './support/certificates.ts'
import { noCrashes } from './support/crashes.ts'
import { listen } from './support/listen.ts'
import { tlsWorker } from './support/tls-workers.ts'
import { startWorker } from './support/workers.ts'

const NAMES = ['localhost']
const RARELY: PoolOptions = { health: { schedule: '0 0 0 1 1 *', fall: 1, rise: 1 } }

async function poolOf(t: TestContext, urls: readonly string[], options: PoolOptions): Promise<Pool> {
  const pool = createPool(urls, { ...RARELY, ...options })
  t.after(() => pool.close({ timeout: 1 }))
  await pool.ready
  return pool
}

const verdict = (pool: Pool): [boolean | undefined, string | undefined] => {
  const [worker] = pool.stats().workers
  return [worker?.alive, worker?.lastProbe?.reason]
}

suite('probes over TLS', () => {
  test('find a worker well whose certificate is', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, authority.issue(NAMES))
    const pool = await poolOf(t, [worker.url], { tls: { ca: authority.cert } })
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    worker.health = 503
    await pool.poll()
    assert.deepEqual(verdict(pool), [false, 'GET /health answered 503'])
  })

  type Bad = (authority: Authority) => [Parameters<Authority['issue']>, PoolOptions['tls']?]
  for (const [what, bad, reason] of [
    [
      'signed by nobody known',
      () => [[NAMES]],
      /^TLS handshake with "localhost" failed: .*(certificate|issuer)/,
    ],
    [
      'of another name',
      ({ cert }) => [[['other.test']], { ca: cert }],
      /^TLS handshake with "localhost" failed: .* is not in .*other\.test/,
    ],
    [
      'out of date',
      ({ cert }) => [[NAMES, { days: -1 }], { ca: cert }],
      /^TLS handshake with "localhost" failed: certificate has expired/,
    ],
  ] as [string, Bad, RegExp][])
    test(`a worker whose certificate is ${what} is down, and the reason says why`, async (t) => {
      noCrashes(t)
      const authority = createAuthority(t)
      const [names, tls] = bad(authority)
      const worker = await tlsWorker(t, authority.issue(...names))
      const pool = await poolOf(t, [worker.url], { ...(tls && { tls }) })
      const [alive, why] = verdict(pool)
      assert.equal(alive, false)
      assert.match(String(why), reason)
      assert.deepEqual(
        worker.sockets.filter((socket) => socket.bytesRead > 0),
        [],
      )
    })

  test('a worker that demands a certificate is well once it gets one', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const demands = { requestCert: true, ca: authority.cert, maxVersion: 'TLSv1.2' as const }
    const worker = await tlsWorker(t, { ...authority.issue(NAMES), ...demands })
    const tls = { ca: authority.cert }
    const pool = await poolOf(t, [worker.url], { tls })
    assert.match(String(verdict(pool)[1]), /TLS handshake with "localhost" failed: .*handshake failure/)
    const { cert, key } = authority.issue(['balancer.test'])
    pool.update([worker.url], { ...RARELY, tls: { ...tls, cert, key } })
    assert.equal(verdict(pool)[0], false, 'a verdict stands until the next probe')
    await pool.poll()
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
  })

  test('go by the settings of now, verify anew each time, and verdicts outlive a change', async (t) => {
    noCrashes(t)
    const [authority, other] = [createAuthority(t), createAuthority(t, 'other')]
    const worker = await tlsWorker(t, authority.issue(NAMES))
    const downs: string[] = []
    const pool = await poolOf(t, [worker.url], { tls: { ca: authority.cert } })
    pool.on('down', (_worker, reason) => downs.push(reason))
    await pool.poll()
    assert.deepEqual(worker.resumed, [false, false])
    pool.update([worker.url], { ...RARELY, tls: { ca: other.cert } })
    assert.deepEqual([verdict(pool), downs], [[true, 'probe succeeded'], []])
    await pool.poll()
    assert.equal(verdict(pool)[0], false)
    assert.equal(downs.length, 1)
    pool.update([worker.url], { ...RARELY, tls: { ca: [other.cert, authority.cert] } })
    await pool.poll()
    assert.equal(verdict(pool)[0], true)
  })

  test('a worker renewed with a certificate that is out of date is down from its next probe', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, authority.issue(NAMES))
    const pool = await poolOf(t, [worker.url], { tls: { ca: authority.cert } })
    worker.renew(authority.issue(NAMES, { days: -1 }))
    await pool.poll()
    assert.match(String(verdict(pool)[1]), /certificate has expired/)
  })

  test('a handshake that does not end is no answer, and its connection is closed', async (t) => {
    noCrashes(t)
    const mute = createServer((socket) => socket.on('error', () => {}).resume())
    const accepted = once(mute, 'connection')
    const url = `https://localhost:${await listen(t, mute)}`
    const pool = await poolOf(t, [url], { health: { ...RARELY.health, timeout: 100 } })
    assert.deepEqual(verdict(pool), [false, 'no answer within 100 ms'])
    const [socket] = await accepted
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve)) // a reset is an end too
  })

  test('a worker of plain HTTP behind an https URL is down', async (t) => {
    const worker = await startWorker(t)
    const pool = await poolOf(t, [`https://localhost:${worker.port}`], {})
    assert.match(String(verdict(pool)[1]), /does it speak TLS at all\?$/)
  })
})
