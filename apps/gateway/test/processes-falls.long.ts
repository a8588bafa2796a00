import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { assertComesTo, bodies, byEach, halt, isGone, lines, startCrew, type CrewSite } from './crew.ts'
import { get } from './processes.ts'
import { startBackend, until } from './reloading.ts'

const OPEN_METRICS = { accept: 'application/openmetrics-text' }
/** In ms. */
const YOUNG = 5000

async function metric(crew: CrewSite, name: string): Promise<number> {
  const { body } = await get(`${crew.admin}/metrics`, OPEN_METRICS)
  return Array.from(body.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))).reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )
}

/** Fails unless all that was asked is counted, and no more. */
function assertAsked(crew: CrewSite, wanted: number): Promise<void> {
  return assertComesTo('requests', () => metric(crew, 'rondo_requests_total'), wanted)
}

/** Resolves with the process that has a place after another. */
async function successor(crew: CrewSite, number: number, before: number): Promise<number> {
  let pid = 0
  await until('another has its place', async () => {
    const one = (await crew.serving()).find((other) => other.number === number)
    pid = one?.pid ?? 0
    return pid !== 0 && pid !== before
  })
  return pid
}

/**
 * The same, but one that does not serve within some seconds is not waited for: had it lived for ten when it falls, it
 * would not count as one that fell for how it began.
 */
async function youngSuccessor(crew: CrewSite, number: number, before: number): Promise<number> {
  let pid = 0
  await until('another is to have its place', async () => {
    const { processes } = await crew.stats()
    const one = processes.find((other) => other.number === number && other.pid !== before)
    pid = one?.pid ?? 0
    return one?.state === 'serving' || Date.now() - Date.parse(one?.startedAt ?? '') > YOUNG
  })
  return pid
}

suite('a serving process that is killed', () => {
  test('is told in the log, and another takes its place; no count goes back', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { workers: [backend.url] })
    const all = await lines(t, crew)
    await bodies(all, '/', 5)
    const [, second] = await crew.serving()
    assert.ok(second)
    process.kill(second.pid, 'SIGKILL')
    const said = await crew.gateway.line(/was ended by/)
    assert.match(
      said,
      new RegExp(
        `Z process 2 \\(pid ${second.pid}\\) was ended by SIGKILL; another takes its place in 0\\.1 s$`,
      ),
    )
    assert.equal((await get(crew.gateway.url)).body, 'backend')
    const next = await successor(crew, 2, second.pid)
    assert.deepEqual(
      (await crew.settled(2)).map(({ number, pid }) => [number, pid === next]),
      [
        [1, false],
        [2, true],
      ],
    )
    assert.equal(await metric(crew, 'rondo_process_falls_total'), 1)
    assert.equal(await metric(crew, 'rondo_processes'), 2)
    await assertAsked(crew, 13)
    await bodies(await lines(t, crew), '/', 2)
    await assertAsked(crew, 19)
    assert.equal(await metric(crew, 'rondo_requests_failed_total'), 0)
  })

  test('had requests in flight: they have failed, and nothing is in flight', async (t) => {
    const backend = await startBackend(t, 'held', ({ url }, res) => void (url === '/' && res.end()))
    const crew = await startCrew(t, { workers: [backend.url] })
    const [first, second] = await lines(t, crew)
    assert.ok(first && second)
    const cut = assert.rejects(second.get('/held'))
    await until('it is under way', async () => (await metric(crew, 'rondo_requests_active')) === 1)
    process.kill(second.pid, 'SIGKILL')
    await cut
    await crew.gateway.line(/was ended by SIGKILL/)
    assert.equal(await metric(crew, 'rondo_requests_active'), 0)
    assert.equal(await metric(crew, 'rondo_worker_in_flight'), 0)
    assert.equal(await metric(crew, 'rondo_requests_failed_total'), 1)
    await assertAsked(crew, 3)
    const { workers } = (await crew.stats()).pools['default'] ?? {}
    assert.equal(workers?.[0]?.outcomes['client-gone'], 1)
    assert.equal((await first.get()).status, 200)
  })

  test('with all others at once is no end of the gateway: it comes back by itself', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { workers: [backend.url] })
    const all = await lines(t, crew)
    for (const { pid } of all) process.kill(pid, 'SIGKILL')
    for (const { number, pid } of all) await successor(crew, number, pid)
    await crew.settled(2)
    const answers = await byEach(t, crew, () => get(crew.gateway.url))
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['backend', 'backend'],
    )
    assert.equal(await metric(crew, 'rondo_process_falls_total'), 2)
    await assertAsked(crew, 4)
  })

  test('amid a reload does not stop it', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const crew = await startCrew(t, { workers: [a.url] })
    const [, second] = await crew.serving()
    assert.ok(second)
    await halt(t, second.pid)
    const changed = crew.change({ ...crew.config, workers: [b.url] })
    process.kill(second.pid, 'SIGKILL')
    assert.match(await changed, /is in force/)
    await successor(crew, 2, second.pid)
    const answers = await byEach(t, crew, () => get(crew.gateway.url))
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['b', 'b'],
    )
  })

  test('five times in a row ends the gateway with the reason, after what others have in flight', async (t) => {
    let release = (): void => {}
    const backend = await startBackend(t, 'held', ({ url }, res) => {
      if (url === '/') res.end()
      else release = () => void res.end('whole')
    })
    const crew = await startCrew(t, { workers: [backend.url], shutdown: '30s' })
    const [first] = await lines(t, crew)
    assert.ok(first)
    const held = first.get('/held')
    await until('it is under way', async () => (await metric(crew, 'rondo_requests_active')) === 1)
    const closed = once(crew.gateway.child, 'close')
    let pid = 0
    for (let fall = 1; fall <= 5; fall++) {
      pid = await youngSuccessor(crew, 2, pid)
      process.kill(pid, 'SIGKILL')
    }
    await crew.gateway.line(/nothing takes its place/)
    release()
    assert.equal((await held).body, 'whole')
    await closed
    assert.equal(crew.gateway.child.exitCode, 1)
    const said = crew.gateway.lines.filter((line) => /process 2 .* was ended by/.test(line))
    assert.deepEqual(
      said.slice(0, 4).map((line) => / in ([\d.]+) s$/.exec(line)?.[1]),
      ['0.1', '0.2', '0.4', '0.8'],
    )
    assert.match(said[4] ?? '', new RegExp(`pid ${pid}.* nothing takes its place$`))
    assert.match(crew.gateway.lines.at(-1) ?? '', /gateway stopped/)
  })
})

/** What the log says of the stalls of a process. */
function stallsTold({ gateway }: CrewSite, pid: number): string[] {
  const pattern = new RegExp(`\\(pid ${pid}\\) (does not answer|answers again)`)
  return gateway.lines.flatMap((line) => pattern.exec(line)?.[1] ?? [])
}

/** Waits until each process has as many stalls as the log tells, and all together have their sum. */
async function countedAsTold(crew: CrewSite): Promise<void> {
  const told = (pid: number): number =>
    stallsTold(crew, pid).filter((what) => what === 'does not answer').length
  await until('stalls are counted as they are told', async () => {
    const { processes } = await crew.stats()
    const sum = processes.reduce((all, { stalls }) => all + stalls, 0)
    const isSo = processes.every(({ pid, stalls }) => stalls === told(pid))
    return isSo && (await metric(crew, 'rondo_process_stalls_total')) === sum
  })
}

suite('a serving process whose event loop stands still', () => {
  test('is told in the log and counted, while others answer, and the admin API', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { workers: [backend.url] })
    const [first, second] = await lines(t, crew)
    assert.ok(first && second)
    const name = `process 2 \\(pid ${second.pid}\\)`
    const { length } = crew.gateway.lines
    const resume = await halt(t, second.pid)
    await crew.gateway.line(
      new RegExp(`${name} does not answer: its event loop has stood still for 1\\.\\d s$`),
      length,
    )
    assert.equal((await first.get()).body, 'backend')
    await countedAsTold(crew)
    assert.equal((await first.get('/metrics')).status, 200)
    const late = second.get()
    resume()
    await crew.gateway.line(new RegExp(`${name} answers again$`), length)
    assert.equal((await late).body, 'backend')
    await assertAsked(crew, 4)
    await countedAsTold(crew)
    for (const [i, what] of stallsTold(crew, second.pid).entries())
      assert.equal(what, i % 2 === 0 ? 'does not answer' : 'answers again', 'each is told once')
    assert.equal(await metric(crew, 'rondo_process_falls_total'), 0)
    assert.equal(isGone(second.pid), false)
  })
})
