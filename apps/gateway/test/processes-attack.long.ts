import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { failToStart, get, lastingPort, startGatewayBy } from './processes.ts'
import { folder, startBackend, textOf, until } from './reloading.ts'
import { startSeveral } from './several/site.ts'

const LISTEN = { listen: '127.0.0.1:0' }

suite('several processes', () => {
  test('all go on where two addresses of a new config are one', async (t) => {
    const worker = await startBackend(t, 'a')
    const config = { ...LISTEN, processes: 2, workers: [worker.url] }
    const site = await startSeveral(t, config)
    const before = await site.serving()
    const port = await lastingPort()
    const twice = [LISTEN.listen, `127.0.0.1:${port}`, `localhost:${port}`]
    assert.match(
      await site.change({ ...config, listen: twice }),
      /not reloaded: listen: "localhost:\d+" is taken/,
    )
    assert.match(await site.change({ ...config, listen: twice.slice(0, 2) }), / is in force/)
    assert.equal((await get(`http://127.0.0.1:${port}`)).body, 'a')
    assert.deepEqual(await site.serving(), before)
  })

  test('are replaced once more at most, however often that is asked for meanwhile', async (t) => {
    const worker = await startBackend(t, 'a')
    const site = await startSeveral(t, { ...LISTEN, processes: 2, workers: [worker.url] })
    const { gateway } = site
    const count = (pattern: RegExp): number => gateway.lines.filter((line) => pattern.test(line)).length
    const caught = site.trap(1)
    gateway.child.kill('SIGUSR2')
    const next = await caught() // the first round is not over before it goes on
    for (let signals = 0; signals < 5; signals++) {
      gateway.child.kill('SIGUSR2')
      await site.stats() // each is a signal of its own
    }
    process.kill(next, 'SIGCONT')
    await until('both rounds are over', () => count(/all processes are replaced/) === 2)
    await site.settled(2)
    assert.equal(count(/SIGUSR2: processes are replaced/), 2)
  })

  test('are another one again when one falls, though the folder where the gateway was started is gone', async (t) => {
    const worker = await startBackend(t, 'a')
    const path = folder(t)
    const cwd = join(path, 'cwd')
    mkdirSync(cwd)
    const file = join(path, 'rondo.yaml')
    writeFileSync(file, textOf({ ...LISTEN, admin: '127.0.0.1:0', processes: 2, workers: [worker.url] }))
    const hook = `data:text/javascript,process.env.RONDO_PROCESS ?? process.chdir(${JSON.stringify(cwd)})`
    const gateway = await startGatewayBy(t, file, { ADMIN: undefined, NODE_OPTIONS: `--import=${hook}` })
    const [, admin] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
    const pids = async (): Promise<number[]> => {
      const { processes } = JSON.parse((await get(`${admin}/stats`)).body) as {
        processes: { pid: number; state: string }[]
      }
      return processes.filter(({ state }) => state === 'serving').map(({ pid }) => pid)
    }
    const [first = 0] = await pids()
    rmSync(cwd, { recursive: true })
    process.kill(first, 'SIGKILL')
    await until('another serves', async () => {
      const now = await pids()
      return now.length === 2 && !now.includes(first)
    })
    assert.equal(gateway.lines.filter((line) => / takes its place/.test(line)).length, 1)
  })

  test('cannot be had by a process of a cluster', async (t) => {
    const { code, stderr } = await failToStart(t, { PROCESSES: '2', PORT: '0', NODE_UNIQUE_ID: '7' })
    assert.equal(code, 1)
    assert.match(stderr, /^rondo: processes: 2 cannot be had by a process of a cluster/m)
  })

  test(
    'that were replaced wait for no idle connection when the gateway ends',
    { timeout: 60_000 },
    async (t) => {
      const worker = await startBackend(t, 'a')
      const site = await startSeveral(t, { ...LISTEN, processes: 2, workers: [worker.url], shutdown: '20m' })
      const { gateway } = site
      const client = connect(gateway.port, '127.0.0.1')
      t.after(() => client.destroy())
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(client, 'data')
      gateway.child.kill('SIGUSR2')
      await gateway.line(/all processes are replaced/)
      await site.stats() // the one that has the connection is ending
      assert.equal(await gateway.end('SIGTERM'), 0)
      assert.match(gateway.lines.at(-1) ?? '', /gateway stopped$/)
    },
  )
})
