import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { WebSocket } from 'ws'
import { load } from '../src/config/load.ts'
import { watchFile } from '../src/config/watch.ts'
import { Gateway } from '../src/gateway.ts'
import { reload } from '../src/reload.ts'
import { get, lastingPort } from './processes.ts'
import { folder, replaceFile, startBackend, startSite, textOf, until, type Backend } from './reloading.ts'

/** Nobody asks here for the admin API. */
const ENV = { ADMIN: 'off' }

const RELOADS = 100
const STRATEGIES = [
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'random-two-choices',
  'ip-hash',
]
const BODY = 'x'.repeat(20_000)

/** What may be wrong with a file: no text of a config, unknown keys, values that nothing can have. */
const INVALID = [
  '{',
  'listen: [',
  textOf({ listen: 'nowhere' }),
  textOf({ listen: 0, stategy: 'round-robin' }),
  textOf({ listen: 0, workers: [] }),
  textOf({ listen: 0, workers: ['ftp://127.0.0.1:1'] }),
  textOf({ listen: 0, pools: { a: { workers: ['http://127.0.0.1:1'] } }, routes: [{ pool: 'b' }] }),
  textOf({ listen: 0, workers: ['http://127.0.0.1:1'], timeouts: { connect: '5' } }),
  textOf({ listen: 0, workers: ['http://127.0.0.1:${NOWHERE_TO_BE_FOUND}'] }),
  textOf({ listen: 0, trustedProxies: ['nobody'] }),
]

interface Place {
  readonly backends: readonly Backend[]
  readonly listen: string
  readonly extra: number
  readonly logs: string
  readonly forwarder: string
}

const byOrigin = ([a]: readonly unknown[], [b]: readonly unknown[]): number =>
  String(a) < String(b) ? -1 : 1

/** The valid config of a round: in each another part of it is new. The live pool and its route stay. */
function configOf(round: number, { backends, listen, extra, logs, forwarder }: Place): object {
  const url = (i: number): string => backends[i % backends.length]?.url ?? ''
  const other = forwarder === 'undici' ? 'http-proxy-middleware' : 'undici'
  const isEven = round % 2 === 0
  return {
    listen: round % 8 === 6 ? [listen, `127.0.0.1:${extra}`] : listen,
    pools: {
      live: { workers: [url(0)], forwarder },
      moving: {
        workers: Array.from({ length: 1 + (round % 3) }, (_, i) => ({
          url: url(round + i),
          weight: 1 + ((round + i) % 4),
        })),
        strategy: STRATEGIES[round % STRATEGIES.length],
        forwarder,
        failover: { attempts: 2 + (round % 2) },
        timeouts: { connect: `${3 + (round % 3)}s`, response: '20s' },
        keepAlive: { idle: isEven ? '400ms' : '500ms' },
        drain: { timeout: '20s' },
        ...(round % 3 === 0 && { breaker: { failures: 50 } }),
        ...(round % 5 === 0 && { slowStart: '1s', health: { rise: 1 + (round % 2) } }),
        limits: { body: isEven ? '64KiB' : '128KiB' },
      },
      changing: {
        workers: [url(1), url(2)],
        forwarder: isEven ? forwarder : other,
        keepAlive: { idle: '400ms' },
      },
      ...(round % 3 === 1 && { guest: { workers: [url(3)], forwarder } }),
    },
    routes: [
      ...(round % 3 === 1 ? [{ path: '/guest', pool: 'guest' }] : []),
      { path: '/live', pool: 'live' },
      { path: '/moving', pool: 'moving', ...(isEven && { strip: true }) },
      { path: '/round', answer: { status: 200, body: String(round) } },
      { pool: 'changing' },
    ],
    limits: { connections: 1000 + round, header: isEven ? '16KiB' : '32KiB' },
    log: { format: ['json', 'combined', 'dev'][round % 3], file: join(logs, `${round % 2}.log`) },
    ...(round % 4 === 2 && { trustedProxies: ['10.0.0.0/8'] }),
  }
}

/** 100 connections of traffic until the signal; `failures` is told of all that does not end as it should. */
function traffic(t: TestContext, url: string, signal: AbortSignal, isLong: boolean) {
  const failures: string[] = []
  let count = 0
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())

  async function ask(path: string, kept: boolean, body?: string): Promise<void> {
    const method = body === undefined ? 'GET' : 'POST'
    try {
      const req = request(url + path, { agent: kept ? agent : false, method })
      req.end(body)
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      let text = ''
      for await (const part of res.setEncoding('utf8')) text += part as string
      count++
      if (res.statusCode !== 200 || (body !== undefined && text !== body))
        failures.push(`${method} ${path}: ${res.statusCode}, ${text.slice(0, 80)}`)
    } catch (error) {
      failures.push(`${method} ${path}: ${String(error)}`)
    }
  }
  async function loop(path: string, kept: boolean, body?: string): Promise<void> {
    while (!signal.aborted) {
      await ask(path, kept, body)
      await pause(15)
    }
  }
  async function talk(): Promise<void> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`)
    t.after(() => socket.terminate())
    await once(socket, 'open')
    let sent = 0
    let answered = -1
    socket.on('message', (data: Buffer) => void (answered = Number(data.toString())))
    socket.once('close', () => void (signal.aborted || failures.push('WebSocket: it was closed')))
    while (!signal.aborted && socket.readyState === WebSocket.OPEN) {
      const number = sent++
      socket.send(String(number))
      await until(
        'a WebSocket is answered',
        () => answered === number || socket.readyState !== WebSocket.OPEN,
      )
      count++
      await pause(15)
    }
    if (socket.readyState !== WebSocket.OPEN) return
    socket.close()
    await once(socket, 'close')
  }
  async function listenTo(): Promise<void> {
    const req = request(`${url}/live/events`, { agent: false }).end()
    req.on('error', () => {})
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    let last = performance.now()
    res.on('data', () => void (last = performance.now()))
    res.on('error', () => {})
    res.once('close', () => void (signal.aborted || failures.push('event stream: it ended')))
    while (!signal.aborted) {
      await pause(100)
      if (performance.now() - last > 10_000) failures.push('event stream: it is silent')
    }
    req.destroy()
  }
  const clients = [
    ...Array.from({ length: 40 }, (_, i) => loop('/moving', i % 2 === 0)),
    ...Array.from({ length: 30 }, (_, i) => loop('/any', i % 2 === 0)),
    ...Array.from({ length: 10 }, () => loop('/live/a', true)),
    ...Array.from({ length: 12 }, (_, i) => loop(i % 2 === 0 ? '/moving' : '/any', i % 4 < 2, BODY)),
    ...(isLong ? Array.from({ length: 4 }, () => [talk(), listenTo()]).flat() : []),
  ]
  return {
    failures,
    count: () => count,
    over: Promise.all(clients).then(() => agent.destroy()),
  }
}

async function placeOf(t: TestContext, forwarder: string): Promise<Place> {
  const backends = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => startBackend(t, name)))
  const [port, extra] = [await lastingPort(), await lastingPort()]
  return { backends, listen: `127.0.0.1:${port}`, extra, logs: folder(t), forwarder }
}

for (const forwarder of ['http-proxy-middleware', 'undici']) {
  test(`${RELOADS} reloads under 100 connections of traffic cost no request and leave nothing, by ${forwarder}`, async (t) => {
    const place = await placeOf(t, forwarder)
    const first = { ...configOf(0, place), listen: ['localhost:0', place.listen] }
    const { gateway, change, after, file } = await startSite(t, first)
    const url = `http://${place.listen}`
    const withAny = (round: number): object => {
      const config = configOf(round, place) as { listen: string | string[] }
      return { ...config, listen: ['localhost:0', config.listen].flat() }
    }
    const descriptors = (): number => readdirSync(`/proc/${gateway.child.pid}/fd`).length

    const LAST = RELOADS - 2
    /** All that a config opens is open, and nothing else. */
    async function rested(): Promise<number> {
      for (const path of ['/moving', '/any', '/live/a']) assert.equal((await get(url + path)).status, 200)
      let least = Infinity
      for (let i = 0; i < 30; i++) {
        await pause(200)
        least = Math.min(least, descriptors())
      }
      return least
    }
    await change(withAny(1))
    await change(withAny(LAST))
    const before = await rested()

    const stop = new AbortController()
    const { failures, count, over } = traffic(t, url, stop.signal, true)
    await until('there is traffic', () => count() > 100)
    for (let round = 0; round < RELOADS; round++) {
      if (round % 2 === 1) {
        const { length } = gateway.lines
        replaceFile(file, INVALID[Math.floor(round / 2) % INVALID.length] as string)
        await gateway.line(/ not reloaded: /, length)
        assert.equal((await get(`${url}/round`)).body, String(round - 1))
        continue
      }
      const text = textOf(withAny(round))
      const line = await after(() => {
        if (round % 3 === 0) replaceFile(file, text)
        else writeFileSync(file, text)
        if (round % 5 === 0) gateway.child.kill('SIGHUP')
      })
      // Where a file is written in place, a first look may come upon an empty one.
      if (!line.includes('in force')) await after(() => gateway.child.kill('SIGHUP'))
      await until('it is in force', async () => (await get(`${url}/round`)).body === String(round))
      assert.equal((await get(`${url}/guest`)).status, 200)
      if (round % 8 === 6) assert.equal((await get(`http://127.0.0.1:${place.extra}/any`)).status, 200)
    }
    const requests = count()
    stop.abort()
    await over
    assert.deepEqual(failures, [])
    t.diagnostic(`${requests} exchanges`)

    assert.equal((await get(`${url}/round`)).body, String(LAST))
    await change(withAny(LAST + 2))
    await change(withAny(LAST))
    const atRest = await rested()
    assert.ok(atRest <= before, `${before} file descriptors became ${atRest}`)
    const { body } = await get(`${url}/metrics`, { accept: 'application/openmetrics-text' })
    const { pools } = (await load(file, ENV)).config
    const wanted = Array.from(pools, ([name, { workers }]) => `${name} ${workers.length}`)
    const seen = Array.from(pools.keys(), (name) => {
      const workers = new Set(
        Array.from(
          body.matchAll(/^rondo_worker_in_flight\{(.*)\} \d+$/gm),
          ([, labels = '']) => labels,
        ).filter((labels) => labels.includes(`pool="${name}"`)),
      )
      return `${name} ${workers.size}`
    })
    assert.deepEqual(seen, wanted)
    assert.ok(
      !gateway.lines.some((line) => /Warning|cannot be written|Error:/.test(line)),
      gateway.lines.join('\n'),
    )
    for (const [line, number] of body.matchAll(
      /^rondo_(?:requests_active|worker_in_flight)(?:\{.*\})? (\d+)$/gm,
    ))
      assert.equal(number, '0', line)
    assert.equal(await gateway.end('SIGTERM'), 0)
  })

  test(`${RELOADS} reloads leave the exact state, and no timer, socket, watcher or memory, by ${forwarder}`, async (t) => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const place = await placeOf(t, forwarder)
    const file = join(folder(t), 'rondo.yaml')
    writeFileSync(file, textOf(configOf(0, place)))
    const { text, config } = await load(file, ENV)
    const gateway = new Gateway()
    t.after(() => gateway.close())
    await gateway.apply(config)
    const url = `http://${place.listen}`

    /** What is open at rest: the fewest of each kind, since probes come and go. */
    async function resources(): Promise<Record<string, number>> {
      const samples: Record<string, number>[] = []
      for (let i = 0; i < 30; i++) {
        await pause(200)
        const kinds: Record<string, number> = {}
        for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1
        samples.push(kinds)
      }
      const all = new Set(samples.flatMap((kinds) => Object.keys(kinds)))
      return Object.fromEntries(
        Array.from(all, (kind) => [kind, Math.min(...samples.map((kinds) => kinds[kind] ?? 0))]),
      )
    }
    async function reloads(): Promise<void> {
      const unwatch = watchFile(file, text, () => void reload(gateway, file, ENV))
      const stop = new AbortController()
      const { failures, over } = traffic(t, url, stop.signal, false)
      for (let round = 0; round < RELOADS; round++) {
        writeFileSync(
          file,
          round % 2 === 1
            ? (INVALID[Math.floor(round / 2) % INVALID.length] as string)
            : textOf(configOf(round, place)),
        )
        const { error } = await reload(gateway, file, ENV)
        assert.equal(error !== undefined, round % 2 === 1, error)
        assert.equal(gateway.reloads.at(-1)?.error, error)
        await pause(20)
      }
      writeFileSync(file, textOf(configOf(0, place)))
      await reload(gateway, file, ENV)
      stop.abort()
      await over
      unwatch()
      assert.deepEqual(failures, [])
    }
    const heap = async (): Promise<number> => {
      let least = Infinity
      for (let i = 0; i < 5; i++) {
        await pause(100)
        collect()
        least = Math.min(least, process.memoryUsage().heapUsed)
      }
      return least
    }
    await reloads()
    const [before, heapBefore] = [await resources(), await heap()]
    await reloads()
    await reloads()
    const [after, heapAfter] = [await resources(), await heap()]
    t.diagnostic(`heap ${heapBefore} → ${heapAfter}; ${JSON.stringify(before)} → ${JSON.stringify(after)}`)
    for (const [kind, number] of Object.entries(after))
      assert.ok(number <= (before[kind] ?? 0), `${kind}: ${number}`)
    assert.ok(heapAfter - heapBefore < 3_000_000, `the heap grew from ${heapBefore} to ${heapAfter}`)

    const wanted = (await load(file, ENV)).config
    assert.deepEqual(gateway.config, wanted)
    assert.deepEqual(
      gateway.listeners.map(({ address }) => address),
      wanted.listen,
    )
    assert.deepEqual(
      Array.from(gateway.pools, ([name, { workers }]) => [
        name,
        workers.map(({ url: { origin }, weight }) => [origin, weight]).toSorted(byOrigin),
      ]),
      Array.from(wanted.pools, ([name, { workers }]) => [
        name,
        workers
          .map((spec) =>
            typeof spec === 'string'
              ? [spec, 1]
              : [(spec as { url: string }).url, (spec as { weight: number }).weight],
          )
          .toSorted(byOrigin),
      ]),
    )
    assert.equal(await gateway.close(), true)
  })
}
