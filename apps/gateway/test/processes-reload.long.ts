import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { Pair } from './operations/files.ts'
import { lastingPort } from './processes.ts'
import { folder, textOf, until } from './reloading.ts'
import { serialAt } from './secure.ts'
import { Load } from './several/load.ts'
import { assertAddsUp, assertGone, atRest, poolOf, startNamed, startSeveral } from './several/site.ts'
import { Totals } from './several/totals.ts'

const ROUNDS = 25
const PROCESSES = 4
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
type Name = (typeof NAMES)[number]

interface Place {
  readonly urls: Readonly<Record<Name, string>>
  readonly ports: readonly [plain: number, secure: number, extra: number]
  readonly pair: Pair
}

/** Who serves `/moving` and `/swap` in a round; `/main` stays. */
function namesOf(round: number): { moving: Name[]; swap: Name[] } {
  const moving = (['c', 'd', 'e'] as const).map((_, i, all) => all[(round + i) % 3] as Name)
  return { moving: moving.slice(0, 1 + (round % 3)), swap: round % 2 === 0 ? ['d'] : ['e'] }
}

function hasExtra(round: number): boolean {
  return round % 4 === 3
}

function configOf(round: number, { urls, ports: [plain, secure, extra], pair }: Place) {
  const tls = { cert: pair.cert, key: pair.key }
  return {
    listen: [
      `127.0.0.1:${plain}`,
      { host: '127.0.0.1', port: secure, tls },
      ...(hasExtra(round) ? [`127.0.0.1:${extra}`] : []),
    ],
    processes: PROCESSES,
    shutdown: '20s',
    pools: {
      main: { workers: [urls.a, { url: urls.b, weight: 1 + (round % 5) }], forwarder: 'undici' },
      moving: {
        workers: namesOf(round).moving.map((name, i) => ({ url: urls[name], weight: 1 + ((round + i) % 3) })),
      },
      odd: { workers: [urls.e] },
      even: { workers: [urls.d], forwarder: 'undici' },
    },
    routes: [
      { path: '/main', pool: 'main' },
      { path: '/moving', pool: 'moving' },
      { path: '/swap', pool: round % 2 === 0 ? 'even' : 'odd' },
      { path: '/round', answer: { status: 200, body: String(round) } },
    ],
  }
}

async function placeOf(t: TestContext) {
  const authority = createAuthority(t)
  const pair = new Pair(authority, folder(t), 'a.test', 2)
  const backends = await Promise.all(NAMES.map((name) => startNamed(t, name)))
  const urls = Object.fromEntries(NAMES.map((name, i) => [name, backends[i]?.url])) as Place['urls']
  const ports = [await lastingPort(), await lastingPort(), await lastingPort()] as const
  return { urls, ports, pair, ca: authority.cert }
}

test(`${ROUNDS} reloads of ${PROCESSES} processes under load cost no request, and all go by each of them`, async (t) => {
  const place = await placeOf(t)
  const { ports, pair, ca } = place
  const site = await startSeveral(t, configOf(0, place))
  const { gateway } = site
  const [port, secure, extra] = ports
  const totals = new Totals(t, site.admin, /worker=.*pool="(moving|swap)"/)
  const load = new Load(t)
  /** The rounds of which one is in force. */
  let rounds = [0]
  load.allowed = (pool) =>
    pool === 'moving' || pool === 'swap'
      ? new Set(rounds.flatMap((round) => namesOf(round)[pool]))
      : undefined
  const tls = { servername: 'a.test', ca }
  for (const path of ['/main', '/moving', '/swap']) {
    load.ask(5, { port }, path)
    load.ask(3, { port }, path, { isKept: false })
    load.ask(2, { port: secure, tls }, path)
  }
  load.ask(2, { port: secure, tls }, '/main', { isKept: false, think: 40 })
  load.upload(2, { port }, '/main/upload')
  load.talk(4, { port }, '/main', 8)
  load.talk(2, { port }, '/main', 60)
  await until('there is traffic', () => load.count > 100)

  let last = 0
  for (let round = 1; round <= ROUNDS; round++) {
    if (round % 6 === 5) {
      assert.match(await site.change(textOf({ listen: 'nowhere' })), /not reloaded/)
      continue
    }
    if (round % 4 === 1) {
      pair.choose({ one: ([first]: readonly unknown[]) => first } as never)
      pair.putCert()
      pair.putKey()
    }
    rounds = [last, round]
    assert.match(await site.change(configOf(round, place)), / is in force/)
    await site.stats() // all have answered, so all have heard
    rounds = [round]
    last = round
    for (let i = 0; i < 8; i++) {
      if (hasExtra(round)) await load.exchange({ port: extra }, '/swap')
      assert.equal(await serialAt(secure, 'a.test'), pair.serial)
    }
    if (!hasExtra(round)) await until('nobody listens', () => isRefused(extra))
    const { count } = load
    await until('there is traffic', () => load.count > count + 40)
  }
  await load.end()
  assert.deepEqual(load.failures, [])
  await totals.end()

  const sent = Array.from(load.sent.values()).reduce((sum, count) => sum + count, 0)
  const stats = await atRest(
    site,
    ({ pools }) => Object.values(pools).reduce((sum, { requests }) => sum + requests.total, 0) >= sent,
  )
  const total = (pool: string): number => poolOf(stats, pool).requests.total
  t.diagnostic(`${load.count} answers; ${totals.count} readings`)
  assert.deepEqual(
    { main: total('main'), moving: total('moving'), swap: total('even') + total('odd') },
    Object.fromEntries(load.sent),
  )
  for (const [name, pool] of Object.entries(stats.pools)) {
    assert.equal(pool.requests.failed, 0, name)
    if (name !== 'moving') assertAddsUp(pool) // of that one, workers that went took their counts along
  }
  await site.settled(PROCESSES)
  const serving = await site.serving()
  assert.equal(await gateway.end('SIGTERM'), 0)
  assertGone(serving)
})

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}
