import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createAuthority, type Certificate } from '../../../packages/balancer/test/support/certificates.ts'
import { assertComesTo, bodies, byEach, lines, startCrew, whoAnswers } from './crew.ts'
import { get, lastingPort } from './processes.ts'
import { folder, replaceFile, startBackend, textOf, until } from './reloading.ts'
import { serialAt, serialOf } from './secure.ts'
import { dial, say, startEcho } from './tcp-site.ts'

const ENOUGH = 6

async function startTwo(t: TestContext, fields: object = {}) {
  const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
  const crew = await startCrew(t, { workers: [a.url], ...fields })
  return { a, b, crew, next: { ...crew.config, workers: [b.url] } }
}

suite('a reload of several processes is in force in each of them once it is said to be,', () => {
  test('by the file, by SIGHUP, and by the admin API, for old connections and new ones', async (t) => {
    const { a, b, crew, next } = await startTwo(t)
    const all = await lines(t, crew)
    const serve = async (name: string): Promise<void> => {
      assert.deepEqual(new Set(await bodies(all, '/', ENOUGH)), new Set([name]))
      assert.deepEqual(await whoAnswers(t, crew), new Set([name]))
    }
    await serve('a')
    assert.match(await crew.change(next), new RegExp(`is in force: default \\(${b.id}\\)`))
    await serve('b')
    const pids = (await crew.serving()).map(({ pid }) => pid)
    const { length } = crew.gateway.lines
    replaceFile(crew.file, textOf(crew.config))
    crew.gateway.child.kill('SIGHUP')
    await crew.gateway.line(new RegExp(`is in force: default \\(${a.id}\\)`), length)
    await serve('a')
    replaceFile(crew.file, textOf(next))
    assert.equal((await crew.call('POST', '/reload')).status, 200)
    await serve('b')
    assert.deepEqual(
      (await crew.serving()).map(({ pid }) => pid),
      pids,
    )
  })

  test('while requests go on, and none of them fails', async (t) => {
    const { crew, next } = await startTwo(t)
    const all = await lines(t, crew)
    const work = { isOver: false }
    const clients = all.map(async (one) => {
      let count = 0
      for (; !work.isOver; count++) assert.match((await one.get()).body, /^[ab]$/)
      return count
    })
    for (let i = 0; i < 4; i++)
      assert.match(await crew.change(i % 2 === 0 ? next : crew.config), /is in force/)
    work.isOver = true
    const counts = await Promise.all(clients)
    assert.ok(counts.every((count) => count > 0))
    const requests = async () => (await crew.stats()).pools['default']?.requests
    const asked = counts.reduce((sum, count) => sum + count, 0) + all.length
    await assertComesTo('requests', async () => (await requests())?.total, asked)
    assert.equal((await requests())?.failed, 0)
  })

  test('with listeners that are added and removed, of HTTP and of TCP, and with one that comes back', async (t) => {
    const [more, tcpPort] = [await lastingPort(), await lastingPort()]
    const echo = await startEcho(t, '')
    const { crew } = await startTwo(t)
    const own = `127.0.0.1:${crew.gateway.port}`
    const wide = {
      ...crew.config,
      listen: ['127.0.0.1:0', `127.0.0.1:${more}`],
      tcp: [{ listen: `127.0.0.1:${tcpPort}`, pool: 'echo' }],
      pools: { echo: { workers: [echo.url] } },
    }
    for (let round = 0; round < 2; round++) {
      await crew.change(wide)
      assert.deepEqual(await whoAnswers(t, crew), new Set(['a']), own)
      assert.deepEqual(await whoAnswers(t, crew, more), new Set(['a']))
      await until(
        'the worker of TCP is up',
        async () => (await crew.stats()).pools['echo']?.workers[0]?.alive === true,
      )
      await byEach(t, crew, async () => assert.equal(await say(await dial(t, tcpPort), 'hello'), 'hello'))
      assert.equal((await crew.stats()).listeners.length, 3)
      await crew.change(crew.config)
      await until('nobody listens there', async () => (await isRefused(more)) && (await isRefused(tcpPort)))
      assert.deepEqual(await whoAnswers(t, crew), new Set(['a']))
    }
  })

  test('with certificates that are new on the disk', async (t) => {
    const authority = createAuthority(t)
    const path = folder(t)
    const [cert, key] = [join(path, 'cert.pem'), join(path, 'cert.key')]
    const put = ({ certFile, keyFile }: Certificate): void => {
      for (const [from, to] of [
        [keyFile, key],
        [certFile, cert],
      ] as const) {
        copyFileSync(from, `${to}~`)
        renameSync(`${to}~`, to)
      }
    }
    const [first, second] = [authority.issue(['a.test']), authority.issue(['a.test'])]
    put(first)
    const tls = { cert, key }
    const { crew } = await startTwo(t, { listen: { port: 0, host: '127.0.0.1', tls } })
    const serials = (): Promise<string[]> => byEach(t, crew, () => serialAt(crew.gateway.port, 'a.test'))
    assert.deepEqual(await serials(), [serialOf(first), serialOf(first)])
    put(second)
    await crew.gateway.line(/new certificates are in force/)
    assert.deepEqual(await serials(), [serialOf(second), serialOf(second)])
  })

  test('with another log file', async (t) => {
    const path = folder(t)
    const [one, other] = [join(path, 'one.log'), join(path, 'other.log')]
    const { crew } = await startTwo(t, { log: { file: one, format: 'json' } })
    const all = await lines(t, crew)
    await crew.change({ ...crew.config, log: { file: other, format: 'json' } })
    await bodies(all, '/after', 3)
    const count = (file: string): number =>
      existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
    await until('all are in the new one', () => count(other) === 6)
    await until('all that were before are in the old one', () => count(one) === 2)
  })
})

suite(
  'a reload of several processes that cannot be changes none of them, and the reason is said once:',
  () => {
    const REASON = /not reloaded: /

    /** Where what is refused is a config with these fields. */
    async function refuse(t: TestContext, refused: readonly (readonly [object, RegExp])[]): Promise<void> {
      const { crew, next, b } = await startTwo(t)
      const all = await lines(t, crew)
      const shown = async (): Promise<unknown> => {
        const { processes, listeners } = await crew.stats()
        return [processes.map(({ pid }) => pid), listeners.map(({ url }) => url)]
      }
      const before = await shown()
      for (const [fields, reason] of refused) {
        const { length } = crew.gateway.lines
        assert.match(await crew.change({ ...next, ...fields }), reason)
        assert.deepEqual(new Set(await bodies(all, '/', ENOUGH)), new Set(['a']))
        assert.deepEqual(await whoAnswers(t, crew), new Set(['a']))
        const { status } = await crew.call('POST', '/reload')
        assert.ok(status >= 400 && status < 500, `${status}`)
        const reasons = (): string[] => crew.gateway.lines.slice(length).filter((line) => REASON.test(line))
        await until('it is said of both', () => reasons().length >= 2)
        const since = crew.gateway.lines.slice(length)
        assert.deepEqual(await shown(), before, since.join('\n'))
        assert.equal(reasons().length, 2, since.join('\n'))
      }
      assert.match(await crew.change(next), new RegExp(`is in force: default \\(${b.id}\\)`))
      assert.deepEqual(await whoAnswers(t, crew), new Set(['b']))
    }

    test('an invalid file, and a log file that cannot be written', async (t) => {
      const file = join(folder(t), 'none', 'access.log')
      await refuse(t, [
        [{ strategy: 'best' }, /not reloaded: .*strategy: "best" is unknown/],
        [{ log: { file } }, /not reloaded: log\.file: .* cannot be written \(ENOENT\); /],
      ])
    })

    test('an address that is taken, beside one that is free', async (t) => {
      const holder = createServer().listen(0, '127.0.0.1')
      t.after(() => holder.close())
      await once(holder, 'listening')
      const { port } = holder.address() as AddressInfo
      const free = await lastingPort()
      const listen = ['127.0.0.1:0', `127.0.0.1:${free}`, `127.0.0.1:${port}`]
      await refuse(t, [
        [{ listen }, new RegExp(`not reloaded: listen: "127\\.0\\.0\\.1:${port}" is taken; `)],
      ])
      assert.equal(await isRefused(free), true)
    })

    test('an address that is taken, which may be had when it is free', async (t) => {
      const holder = createServer().listen(0, '127.0.0.1')
      t.after(() => holder.close())
      await once(holder, 'listening')
      const { port } = holder.address() as AddressInfo
      const { crew, next } = await startTwo(t)
      const pids = (await crew.serving()).map(({ pid }) => pid)
      const wide = textOf({ ...next, listen: ['127.0.0.1:0', `127.0.0.1:${port}`] })
      assert.match(await crew.change(wide), /not reloaded: listen: .* is taken; /)
      holder.close()
      await once(holder, 'close')
      assert.match(await crew.after(() => crew.gateway.child.kill('SIGHUP')), / is in force: /)
      assert.deepEqual(await whoAnswers(t, crew, port), new Set(['b']))
      const { processes } = await crew.stats()
      assert.deepEqual(
        processes.map(({ pid }) => pid),
        pids,
      )
    })
  },
)

function isRefused(port: number): Promise<boolean> {
  return get(`http://127.0.0.1:${port}`).then(
    () => false,
    ({ code }) => code === 'ECONNREFUSED',
  )
}
