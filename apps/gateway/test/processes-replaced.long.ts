import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { lastingPort } from './processes.ts'
import { until } from './reloading.ts'
import { withoutOverdue } from './several/links.ts'
import { Load, openWebSocket } from './several/load.ts'
import { assertAddsUp, assertGone, atRest, poolOf, startNamed, startSeveral } from './several/site.ts'
import { talkTcp } from './several/tcp-load.ts'
import { Totals } from './several/totals.ts'
import { startEcho } from './tcp-site.ts'

const PROCESSES = 3
const ROUNDS = 3
/** What a process may take to end, in ms. */
const BOUND = 8000
/** Of these, so many stay open until they are cut. */
const STAYING = 10

/** A WebSocket that is never closed by its client. */
interface Staying {
  readonly socket: WebSocket
  /** When it was closed, by `performance.now`; undefined while it is open. */
  closedAt: number | undefined
  code: number | undefined
  /** Messages that were sent, and that came back. */
  sent: number
  echoed: number
}

async function stay(t: TestContext, port: number): Promise<Staying> {
  const { socket, ended } = openWebSocket(t, { port }, '/main')
  const staying: Staying = { socket, closedAt: undefined, code: undefined, sent: 0, echoed: 0 }
  socket.on('message', () => staying.echoed++)
  void ended.then(([code]) => Object.assign(staying, { code, closedAt: performance.now() }))
  await once(socket, 'open')
  return staying
}

test(`processes that are replaced ${ROUNDS} times under load cost no request, and cut at the bound what stays`, async (t) => {
  const backends = await Promise.all(['a', 'b', 'c'].map((name) => startNamed(t, name)))
  const echo = await startEcho(t)
  const [port, tcpPort] = [await lastingPort(), await lastingPort()]
  const site = await startSeveral(t, {
    listen: `127.0.0.1:${port}`,
    tcp: [{ listen: `127.0.0.1:${tcpPort}`, pool: 'echo' }],
    processes: PROCESSES,
    shutdown: `${BOUND / 1000}s`,
    pools: {
      main: { workers: backends.map(({ url }) => url) },
      echo: { workers: [echo.url] },
    },
    routes: [{ path: '/main', pool: 'main' }],
  })
  const { gateway } = site
  const totals = new Totals(t, site.admin)
  const load = new Load(t)
  load.ask(16, { port }, '/main')
  load.ask(4, { port }, '/main', { think: 600 })
  load.ask(6, { port }, '/main', { isKept: false })
  load.upload(4, { port }, '/main/upload')
  load.ask(4, { port }, '/main/events')
  load.ask(2, { port }, '/main/events', { isKept: false })
  load.talk(15, { port }, '/main', 50)
  load.talk(5, { port }, '/main', 100)
  talkTcp(load, 10, tcpPort, 'echo', 60)

  const seen = new Set(await site.serving())
  const stayed: Staying[] = []
  const told = new Map<number, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const { count } = load
    await until('there is traffic', () => load.count > count + 300)
    const staying = await Promise.all(Array.from({ length: STAYING }, () => stay(t, port)))
    stayed.push(...staying)
    const { length } = gateway.lines
    const serving = await site.serving()
    for (const pid of serving) told.set(pid, Date.now())
    const signalled = performance.now()
    gateway.child.kill('SIGUSR2')
    await gateway.line(/all processes are replaced/, length)
    for (const pid of await site.serving()) seen.add(pid)
    // Those of the last round are talked to until they are cut; the others while the next is under way.
    void converse(staying, signalled, load)
  }
  await until('all that stayed is cut', () => stayed.every(({ closedAt }) => closedAt !== undefined), 40_000)
  await site.settled(PROCESSES)
  for (const pid of await site.serving()) seen.delete(pid)
  assertGone(seen)
  await load.end()
  assert.deepEqual(withoutOverdue(load.failures, site.takers(), told, BOUND), [])
  for (const { code, sent, echoed } of stayed) {
    assert.equal(code, 1006)
    assert.ok(echoed >= sent - 1, `${echoed} of ${sent} echoes`)
  }
  await totals.end()

  const sent = (pool: string): number => load.sent.get(pool) ?? 0
  const all = sent('main') + stayed.length
  const stats = await atRest(
    site,
    (now) => poolOf(now, 'main').requests.total >= all && poolOf(now, 'echo').requests.total >= sent('echo'),
  )
  const [main, tcp] = [poolOf(stats, 'main'), poolOf(stats, 'echo')]
  t.diagnostic(`${load.count} answers; ${totals.count} readings`)
  assert.equal(main.requests.total, all)
  assert.equal(tcp.requests.total, sent('echo'))
  assertAddsUp(main)
  assertAddsUp(tcp)
  assert.equal(await gateway.end('SIGTERM'), 0)
})

/** Talks to WebSockets until they are cut; that they are before the bound is a failure. */
async function converse(all: readonly Staying[], signalled: number, load: Load): Promise<void> {
  while (all.some(({ closedAt }) => closedAt === undefined)) {
    for (const one of all)
      if (one.closedAt === undefined && one.sent === one.echoed) {
        one.sent++
        one.socket.send('still here')
      }
    await pause(20)
  }
  for (const { closedAt = 0 } of all)
    if (closedAt - signalled < BOUND - 10)
      // timers of two processes
      load.fail('a WebSocket that stayed', `was cut after ${closedAt - signalled} ms`, undefined)
}
