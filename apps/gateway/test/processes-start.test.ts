import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { lines, marked, startCrew } from './crew.ts'
import { failToStart, lastingPort } from './processes.ts'
import { folder, startBackend, startSite, textOf } from './reloading.ts'
import { rondo } from './rondo.ts'

const CONFIG = { processes: 2, listen: '127.0.0.1:0', workers: ['http://127.0.0.1:1'] }

/** A start that is to fail, by a file with these fields. */
async function fail(t: TestContext, fields: object): Promise<{ code: number; stderr: string[] }> {
  const mark = marked(t)
  const text = textOf({ ...CONFIG, admin: 'off', ...fields })
  const { code, stderr, stdout } = await rondo(t, ['start', 'rondo.yaml'], { 'rondo.yaml': text }, mark.env)
  assert.equal(stdout, '')
  assert.deepEqual(mark.pids(), [])
  return { code, stderr: stderr.trimEnd().split('\n') }
}

/** A port that somebody has. */
async function takenPort(t: TestContext): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  return (holder.address() as AddressInfo).port
}

suite('a gateway of several processes', () => {
  test('starts as many as it is told, which all serve, and says so once', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { processes: 3, workers: [backend.url] })
    const all = (await crew.stats()).processes
    assert.deepEqual(
      all.map(({ number, state }) => [number, state]),
      [
        [1, 'serving'],
        [2, 'serving'],
        [3, 'serving'],
      ],
    )
    assert.equal(new Set([crew.gateway.child.pid, ...all.map(({ pid }) => pid)]).size, 4)
    for (const line of await lines(t, crew)) assert.equal((await line.get()).body, 'backend')
    assert.equal(crew.gateway.lines.filter((line) => line.includes(' listens on ')).length, 1)
    assert.equal(await crew.gateway.end('SIGTERM'), 0)
    assert.equal(crew.gateway.lines.filter((line) => line.includes('gateway stopped')).length, 1)
  })

  test('has no other process where there is to be one', async (t) => {
    const backend = await startBackend(t, 'backend')
    const mark = marked(t)
    const config = { processes: 1, listen: 0, workers: [backend.url] }
    const { gateway } = await startSite(t, config, mark.env)
    assert.deepEqual(mark.pids(), [gateway.child.pid])
  })
})

suite('a start of several processes fails with one error, and leaves nothing behind,', () => {
  test('for an address that is taken', async (t) => {
    const port = await takenPort(t)
    const { code, stderr } = await fail(t, { listen: [`127.0.0.1:${port}`] })
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0] ?? '', /^listen: "127\.0\.0\.1:\d+" is taken; set PORT to another, /)
    const alone = await fail(t, { listen: [`127.0.0.1:${port}`], processes: 1 })
    assert.deepEqual({ code, stderr }, alone)
  })

  test('for the second of two addresses that is taken, and for one of tcp', async (t) => {
    const port = await takenPort(t)
    const free = [`127.0.0.1:${await lastingPort()}`, `127.0.0.1:${await lastingPort()}`]
    const pools = { tcp: { workers: ['tcp://127.0.0.1:1'] } }
    const all = await Promise.all([
      fail(t, { listen: [free[0], `127.0.0.1:${port}`] }),
      fail(t, { listen: free[1], tcp: [{ listen: `127.0.0.1:${port}`, pool: 'tcp' }], pools }),
    ])
    for (const { code, stderr } of all) {
      assert.equal(code, 1)
      assert.equal(stderr.length, 1, stderr.join('\n'))
      assert.match(stderr[0] ?? '', new RegExp(`: "?127\\.0\\.0\\.1:${port}"? is taken; `))
    }
  })

  test('for an admin API whose address is taken, though processes serve by then', async (t) => {
    const port = await takenPort(t)
    const { code, stderr } = await fail(t, { admin: `127.0.0.1:${port}` })
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0] ?? '', /^admin\.listen: .* is taken; /)
  })

  test('for a log file that cannot be written', async (t) => {
    const file = join(folder(t), 'none', 'access.log')
    const { code, stderr } = await fail(t, { log: { file } })
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0] ?? '', /^log\.file: .* cannot be written \(ENOENT\); /)
  })

  test('for a config that is invalid', async (t) => {
    const { code, stderr } = await fail(t, { strategy: 'best' })
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0] ?? '', /strategy: "best" is unknown/)
  })

  test('for a number of processes that is none, in the environment', async (t) => {
    const mark = marked(t)
    const { code, stderr } = await failToStart(t, { ...mark.env, PROCESSES: 'many', WORKERS: 'http://a:1' })
    assert.equal(code, 1)
    assert.match(stderr, /^rondo: PROCESSES: "many" is no number of processes; /)
    assert.deepEqual(mark.pids(), [])
  })
})
