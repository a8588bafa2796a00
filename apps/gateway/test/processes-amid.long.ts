import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { call } from './admin-site.ts'
import { halt } from './crew.ts'
import { get } from './processes.ts'
import { until } from './reloading.ts'
import { assertOfFallen } from './several/links.ts'
import { assertAgree, connectToAll } from './several/asking.ts'
import { Load } from './several/load.ts'
import { assertGone, startNamed, startSeveral } from './several/site.ts'

const PROCESSES = 3

test('a process that falls while another is about to take its place is replaced once', async (t) => {
  const backend = await startNamed(t, 'a')
  const site = await startSeveral(t, {
    listen: '127.0.0.1:0',
    processes: PROCESSES,
    shutdown: '500ms',
    workers: [backend.url],
  })
  const { gateway } = site
  const seen = new Set<number>()
  for (let place = 1; place <= PROCESSES; place++) {
    const { processes } = await site.stats()
    const { pid = 0 } = processes.find(({ number }) => number === place) ?? {}
    const { length } = gateway.lines
    const caught = site.trap(place)
    gateway.child.kill('SIGUSR2')
    const next = await caught()
    process.kill(pid, 'SIGKILL')
    await gateway.line(
      new RegExp(`\\(pid ${pid}\\) was ended by SIGKILL; another is about to take its place$`),
    )
    process.kill(next, 'SIGCONT')
    await gateway.line(/Z all processes are replaced$/, length)
    await until(
      'one has each place',
      async () => {
        const all = (await site.stats()).processes
        for (const one of all) seen.add(one.pid)
        return all.length <= PROCESSES && all.every(({ state }) => state === 'serving')
      },
      30_000,
    )
    const places = (await site.stats()).processes.map(({ number }) => number)
    assert.deepEqual(places, [1, 2, 3])
  }
  assert.equal(await gateway.end('SIGTERM'), 0)
  assertGone(seen)
})

test('a process that falls before it has taken a place costs nothing but that', async (t) => {
  const backend = await startNamed(t, 'a')
  const site = await startSeveral(t, {
    listen: '127.0.0.1:0',
    processes: PROCESSES,
    shutdown: '3s',
    workers: [backend.url],
  })
  const { gateway } = site
  const load = new Load(t)
  load.ask(10, gateway, '/default')
  const before = await site.serving()
  const { length } = gateway.lines
  const caught = site.trap(1)
  gateway.child.kill('SIGUSR2')
  const fallen = await caught()
  process.kill(fallen, 'SIGKILL')
  assert.match(
    await gateway.line(/all processes are replaced/, length),
    new RegExp(`not all .*\\(pid ${fallen}\\) was ended by SIGKILL before it could serve`),
  )
  await site.settled(PROCESSES)
  assert.deepEqual(await site.serving(), before)
  const { count } = load
  await until('there is traffic', () => load.count > count + 50)
  await load.end()
  assert.deepEqual(load.failures, [])
  assert.equal(await gateway.end('SIGTERM'), 0)
  assertGone([...before, fallen])
})

test('a place whose process falls, and the one that was about to take it too, is taken all the same', async (t) => {
  const backend = await startNamed(t, 'a')
  const site = await startSeveral(t, { listen: '127.0.0.1:0', processes: 2, workers: [backend.url] })
  const { gateway } = site
  const [first = 0] = await site.serving()
  const { length } = gateway.lines
  const caught = site.trap(1)
  gateway.child.kill('SIGUSR2')
  const next = await caught()
  process.kill(first, 'SIGKILL')
  await gateway.line(
    new RegExp(`\\(pid ${first}\\) was ended by SIGKILL; another is about to take its place$`),
    length,
  )
  process.kill(next, 'SIGKILL')
  await gateway.line(/all processes are replaced/, length)
  await site.settled(2)
  assert.deepEqual(
    (await site.stats()).processes.map(({ number }) => number),
    [1, 2],
  )
  assert.equal(await gateway.end('SIGTERM'), 0)
})

test('a gateway that is ended amid a replacement, or after a fall, leaves nothing behind', async (t) => {
  const backend = await startNamed(t, 'a')
  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    for (const deed of ['replace', 'fall']) {
      const site = await startSeveral(t, { listen: '127.0.0.1:0', processes: 2, workers: [backend.url] })
      const { gateway } = site
      const before = await site.serving()
      const caught = site.trap(1)
      if (deed === 'replace') gateway.child.kill('SIGUSR2')
      else process.kill(before[0] ?? 0, 'SIGKILL')
      const next = await caught()
      const end = gateway.end(signal)
      if (signal === 'SIGTERM') await gateway.line(/SIGTERM: finishing what is in flight/)
      else await end
      process.kill(next, 'SIGCONT')
      assert.equal(await end, signal === 'SIGTERM' ? 0 : null, `${signal}, ${deed}`)
      await until('all are gone', () => [...before, next].every((pid) => !isThere(pid)))
    }
})

test('processes that fall amid reloads come back with what is in force', async (t) => {
  const names = ['a', 'b', 'c', 'd']
  const backends = await Promise.all(names.map((name) => startNamed(t, name)))
  const configOf = (round: number) => ({
    listen: '127.0.0.1:0',
    processes: 4,
    shutdown: '3s',
    pools: { main: { workers: [0, 1].map((i) => backends[(round + i) % 4]?.url) } },
    routes: [{ path: '/main', pool: 'main' }],
  })
  const site = await startSeveral(t, configOf(0))
  const load = new Load(t)
  load.ask(10, site.gateway, '/main')
  const fallen = new Set<number>()
  for (let round = 1; round <= 12; round++) {
    const { processes } = await site.stats()
    const { pid = 0 } = processes[round % 4] ?? {}
    fallen.add(pid)
    const change = site.change(configOf(round))
    await pause(round * 4) // from before the file is read to after all go by it
    process.kill(pid, 'SIGKILL')
    assert.match(await change, / is in force/)
    await until('it has fallen', async () => !(await site.serving()).includes(pid))
    await site.settled(4)
    const { agents, close } = await connectToAll(load, site, site.gateway, '/main')
    const names = [0, 1].map((i) => 'abcd'.charAt((round + i) % 4))
    await assertAgree(load, agents, site.gateway, 'main', names)
    close()
  }
  await load.end()
  assertOfFallen(load.failures, site.takers(), fallen)
  assert.equal(await site.gateway.end('SIGTERM'), 0)
})

test('a process that comes while another holds a reload up serves by that reload, or not yet', async (t) => {
  const [a, b] = await Promise.all([startNamed(t, 'a'), startNamed(t, 'b')])
  const configOf = (url: string) => ({ listen: '127.0.0.1:0', processes: 2, shutdown: '2s', workers: [url] })
  const site = await startSeveral(t, configOf(a.url))
  const [first = 0, second = 0] = (await site.stats()).processes.map(({ pid }) => pid)
  const resume = await halt(t, second)
  const change = site.change(configOf(b.url))
  await pause(300) // it is asked to make ready by then
  process.kill(first, 'SIGKILL')
  await pause(1500) // its successor could serve by then
  const { pid: next = 0 } = (await site.stats()).processes.find(({ number }) => number === 1) ?? {}
  const resumeNext = await halt(t, next)
  resume()
  assert.match(await change, / is in force/)
  const resumeAgain = await halt(t, second)
  const asked = Array.from({ length: 20 }, () => get(site.gateway.url))
  resumeNext()
  const answers = await Promise.all(asked)
  assert.deepEqual(new Set(answers.map(({ body }) => body.charAt(0))), new Set(['b']))
  resumeAgain()
  await site.settled(2)
  assert.equal(await site.gateway.end('SIGTERM'), 0)
})

test('a worker that is drained gets nothing from processes that come later', async (t) => {
  const backends = await Promise.all(['a', 'b', 'c'].map((name) => startNamed(t, name)))
  const site = await startSeveral(t, {
    listen: '127.0.0.1:0',
    processes: 2,
    shutdown: '2s',
    workers: backends.map(({ url }) => url),
  })
  const { gateway } = site
  const drained = `${site.admin}/workers/default/${backends[2]?.id}/drain`
  assert.equal((await call('POST', drained, { body: {} })).status, 202)
  await site.stats()
  const load = new Load(t)
  load.allowed = () => new Set(['a', 'b'])
  load.ask(20, gateway, '/default', { isKept: false, think: 1 })
  for (let round = 0; round < 5; round++) {
    const { length } = gateway.lines
    gateway.child.kill('SIGUSR2')
    await gateway.line(/all processes are replaced/, length)
    await pause(100)
  }
  await load.end()
  assert.deepEqual(load.failures, [])
  t.diagnostic(`${load.count} answers`)
  assert.equal(await gateway.end('SIGTERM'), 0)
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
