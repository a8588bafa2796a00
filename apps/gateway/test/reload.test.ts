import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get as httpGet, request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { load } from '../src/config/load.ts'
import { watchFile } from '../src/config/watch.ts'
import { Gateway } from '../src/gateway.ts'
import { reload, reloadCertificates } from '../src/reload.ts'
import { get, lastingPort } from './processes.ts'
import { folder, replaceFile, startBackend, startSite, textOf, until, type Answer } from './reloading.ts'

/** Nobody asks here for the admin API. */
const ENV = { ADMIN: 'off' }

const body = async (url: string): Promise<string> => (await get(url)).body

/** Answers only when it is told to. */
function held(): { answer: Answer; count: () => number; go: () => void } {
  const waiting: (() => void)[] = []
  return {
    answer: (_req, res) => void waiting.push(() => res.end('held')),
    count: () => waiting.length,
    go: () => waiting.splice(0).forEach((end) => end()),
  }
}

suite('a file', () => {
  test('that is invalid changes nothing, and the log says why', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const { gateway, change, file } = await startSite(t, { listen: 0, workers: [a.url] })
    const line = await change({ listen: 0, workers: [b.url], strategy: 'best', sticky: 1 })
    assert.match(line, new RegExp(`not reloaded: ${file}:6:15: strategy: "best" is unknown`))
    await gateway.line(new RegExp(`not reloaded: ${file}:7:13: sticky: `))
    assert.equal(await body(gateway.url), 'a')
    assert.match(await change(''), /not reloaded: .*rondo\.yaml is empty/)
    assert.match(await change('{'), /not reloaded: .*rondo\.yaml:\d+:\d+: /)
    assert.equal(await body(gateway.url), 'a')
    assert.match(await change({ listen: 0, workers: [b.url] }), new RegExp(`in force: default \\(${b.id}\\)`))
    assert.equal(await body(gateway.url), 'b')
  })

  test('is read when it is replaced, written in two steps, or deleted and made anew', async (t) => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startBackend(t, name)))
    const texts = all.map(({ url }) => textOf({ listen: 0, workers: [url] })) as [
      string,
      string,
      string,
      string,
    ]
    const { gateway, file } = await startSite(t, { listen: 0, workers: [all[0]?.url] })
    const serves = (name: string): Promise<void> =>
      until(`${name} serves`, async () => (await body(gateway.url)) === name)
    replaceFile(file, texts[1])
    await serves('b')
    writeFileSync(file, texts[2].slice(0, 30))
    appendFileSync(file, texts[2].slice(30))
    await serves('c')
    rmSync(file)
    await pause(200)
    assert.equal(await body(gateway.url), 'c')
    writeFileSync(file, texts[3])
    await serves('d')
    writeFileSync(file, texts[0])
    await serves('a')
  })

  test('is read again on SIGHUP, and not where its text is the same', async (t) => {
    const a = await startBackend(t, 'a')
    const { gateway, file, after } = await startSite(t, { listen: 0, workers: [a.url] })
    const { length } = gateway.lines
    replaceFile(file, readFileSync(file, 'utf8'))
    await pause(300)
    assert.equal(
      gateway.lines.slice(length).some((line) => line.includes('in force')),
      false,
    )
    assert.match(await after(() => gateway.child.kill('SIGHUP')), / is in force: default/)
    rmSync(file)
    assert.match(await after(() => gateway.child.kill('SIGHUP')), /not reloaded: .*cannot be read: /)
    assert.equal(await body(gateway.url), 'a')
  })

  test('is read beside a log that is written all the time', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const path = folder(t)
    const log = { file: join(path, 'access.log') }
    const file = join(path, 'rondo.yaml')
    writeFileSync(file, '1')
    let changes = 0
    const unwatch = watchFile(file, '1', () => void changes++)
    t.after(unwatch)
    const writing = setInterval(() => appendFileSync(log.file, 'line\n'), 5)
    t.after(() => clearInterval(writing))
    await pause(50)
    writeFileSync(file, '2')
    await until('the change is seen', () => changes === 1)

    const { gateway, change } = await startSite(t, { listen: 0, workers: [a.url], log })
    await change({ listen: 0, workers: [b.url], log })
    assert.equal(await body(gateway.url), 'b')
  })

  test('that has changed between its reading and its watch is read again', async (t) => {
    const file = join(folder(t), 'rondo.yaml')
    writeFileSync(file, 'new')
    let changes = 0
    const unwatch = watchFile(file, 'old', () => void changes++)
    await until('it is seen', () => changes === 1)
    unwatch()
    writeFileSync(file, 'newer')
    await pause(150)
    assert.equal(changes, 1)
  })
})

suite('a listener', () => {
  test('that is added is open, that is kept keeps its sockets, that is removed finishes what it has', async (t) => {
    const { answer, count, go } = held()
    const [slow, a] = await Promise.all([startBackend(t, 'slow', answer), startBackend(t, 'a')])
    const [first, second, third] = [await lastingPort(), await lastingPort(), await lastingPort()]
    const rest = {
      pools: { slow: { workers: [slow.url] }, a: { workers: [a.url] } },
      routes: [{ path: '/slow', pool: 'slow' }, { pool: 'a' }],
    }
    const on = (...ports: number[]): object => ({ listen: ['localhost:0', ...ports], ...rest })
    const { change } = await startSite(t, on(first, second))
    const kept = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => kept.destroy())
    const ask = async (): Promise<boolean> => {
      const req = httpGet({ port: first, host: '127.0.0.1', agent: kept })
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      await once(res.resume(), 'end')
      return req.reusedSocket
    }
    assert.equal(await ask(), false)

    const slowly = body(`http://127.0.0.1:${second}/slow`)
    await until('it is under way', () => count() === 1)
    await change(on(first, third))
    assert.equal(await ask(), true)
    assert.equal(await body(`http://127.0.0.1:${third}`), 'a')
    await assert.rejects(get(`http://127.0.0.1:${second}`), { code: 'ECONNREFUSED' })
    go()
    assert.equal(await slowly, 'held')
  })

  test('that was removed finishes what it has in a shutdown too', async (t) => {
    const { answer, count, go } = held()
    const slow = await startBackend(t, 'slow', answer)
    const port = await lastingPort()
    const { gateway, change } = await startSite(t, { listen: [0, port], workers: [slow.url] })
    const slowly = body(`http://127.0.0.1:${port}/slow`)
    await until('it is under way', () => count() === 1)
    await change({ listen: 0, workers: [slow.url] })
    const ended = gateway.end('SIGTERM')
    await gateway.line(/SIGTERM: finishing/)
    await pause(200)
    go()
    assert.equal(await slowly, 'held')
    assert.equal(await ended, 0)
  })

  test('for a port that is taken changes nothing', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const holder = createServer().listen(0, '127.0.0.1')
    t.after(() => holder.close())
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const free = await lastingPort()
    const { gateway, change } = await startSite(t, { listen: 0, workers: [a.url] })
    const line = await change({ listen: [free, `127.0.0.1:${port}`], workers: [b.url] })
    assert.match(line, new RegExp(`not reloaded: listen: "127.0.0.1:${port}" is taken`))
    assert.equal(await body(gateway.url), 'a')
    await assert.rejects(get(`http://127.0.0.1:${free}`), { code: 'ECONNREFUSED' })
  })
})

for (const forwarder of ['http-proxy-middleware', 'undici'])
  suite(`by ${forwarder}`, () => {
    test('a WebSocket, an event stream and an upload on an untouched route go on', async (t) => {
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => startBackend(t, name)))
      const other = { workers: [b?.url], forwarder }
      const pools = { live: { workers: [a?.url], forwarder }, other }
      const routes = [{ path: '/live', pool: 'live' }, { pool: 'other' }]
      const { gateway, change } = await startSite(t, { listen: 0, pools, routes })
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/live`)
      t.after(() => socket.terminate())
      await once(socket, 'open')
      const [events] = (await once(httpGet(`${gateway.url}/live/events`), 'response')) as [IncomingMessage]
      let ticks = 0
      events.on('data', () => void ticks++)
      events.on('error', () => {})
      t.after(() => events.destroy())
      const upload = request(`${gateway.url}/live`, { method: 'POST' })
      upload.write('first,')
      const [response] = (await once(upload, 'response')) as [IncomingMessage]
      let received = ''
      response.setEncoding('utf8').on('data', (text: string) => (received += text))

      await change({
        listen: 0,
        log: 'off',
        limits: { connections: 50 },
        pools: {
          ...pools,
          other: {
            workers: [c?.url],
            forwarder: forwarder === 'undici' ? 'http-proxy-middleware' : 'undici',
          },
        },
        routes: [routes[0], { path: '/none', answer: { status: 204 } }, routes[1]],
      })
      assert.equal(await body(gateway.url), 'c')
      const before = ticks
      await until('events come', () => ticks > before + 3)
      socket.send('hello')
      assert.equal(String((await once(socket, 'message'))[0]), 'hello')
      upload.end('second')
      await once(response, 'end')
      assert.equal(received, 'first,second')
    })

    test('a pool that is removed drains, and what is under way there still goes on to another worker', async (t) => {
      const failing: (() => void)[] = []
      const bad = await startBackend(t, 'bad', (req) => void failing.push(() => req.socket.destroy()))
      const good = await startBackend(t, 'good')
      const { gateway, change } = await startSite(t, {
        listen: 0,
        pools: {
          gone: { workers: [bad.url, good.url], forwarder },
          stays: { workers: [good.url], forwarder },
        },
        routes: [{ path: '/gone', pool: 'gone' }, { pool: 'stays' }],
      })
      const underWay = [get(`${gateway.url}/gone`), get(`${gateway.url}/gone`)]
      await until('one is with the bad worker', () => failing.length > 0)
      await change({
        listen: 0,
        pools: { stays: { workers: [good.url], forwarder } },
        routes: [{ path: '/stays', pool: 'stays' }],
      })
      assert.equal((await get(`${gateway.url}/gone`)).status, 404)
      for (const fail of failing) fail()
      for (const { status, body: text } of await Promise.all(underWay))
        assert.deepEqual([status, text], [200, 'good'])
    })
  })

suite('the access log', () => {
  test('moves to another file, and what began before is not lost', async (t) => {
    const { answer, count, go } = held()
    const a = await startBackend(t, 'a', (req, res) =>
      req.url === '/slow' ? answer(req, res) : res.end('a'),
    )
    const path = folder(t)
    const [one, two] = [join(path, 'one.log'), join(path, 'two.log')]
    const to = (file: string): object => ({ listen: 0, workers: [a.url], log: { format: 'json', file } })
    const { gateway, change } = await startSite(t, to(one))
    await body(`${gateway.url}/first`)
    const slowly = body(`${gateway.url}/slow`)
    await until('it is under way', () => count() === 1)
    await change(to(two))
    await body(`${gateway.url}/second`)
    go()
    await slowly
    const urls = (file: string): string[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { url: string }).url)
    await until('all is written', () => urls(two).length === 2)
    assert.deepEqual([urls(one), urls(two)], [['/first'], ['/second', '/slow']])
    assert.ok(!gateway.lines.some((line) => line.includes('cannot be written')))
  })

  test('is reopened on SIGHUP, and whole after a shutdown', async (t) => {
    const a = await startBackend(t, 'a')
    const file = join(folder(t), 'access.log')
    const log = { format: 'combined', file }
    const { gateway, after } = await startSite(t, { listen: 0, workers: [a.url], log })
    await body(`${gateway.url}/before`)
    renameSync(file, `${file}.1`)
    await body(`${gateway.url}/renamed`)
    await after(() => gateway.child.kill('SIGHUP'))
    await body(`${gateway.url}/after`)
    assert.equal(await gateway.end('SIGTERM'), 0)
    assert.match(readFileSync(`${file}.1`, 'utf8'), /GET \/before .*\n.*GET \/renamed .*\n$/)
    assert.match(readFileSync(file, 'utf8'), /^.*GET \/after .*\n$/)
  })

  test('that cannot be written changes nothing', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const { gateway, change, folder: path } = await startSite(t, { listen: 0, workers: [a.url] })
    const file = join(path, 'none', 'access.log')
    const port = await lastingPort()
    const line = await change({ listen: port, workers: [b.url], log: { file } })
    assert.match(line, /not reloaded: log\.file: ".*access\.log" cannot be written \(ENOENT\); /)
    assert.equal(await body(gateway.url), 'a')
    await assert.rejects(get(`http://127.0.0.1:${port}`), { code: 'ECONNREFUSED' })
    assert.equal(existsSync(file), false)
  })
})

test('whose X-Forwarded-For is believed changes with trustedProxies', async (t) => {
  const a = await startBackend(t, 'a')
  const { gateway, change } = await startSite(t, { listen: 0, workers: [a.url] })
  const seen = async (): Promise<string> => {
    const answer = await get(`${gateway.url}/headers`, { 'x-forwarded-for': '203.0.113.7' })
    return (JSON.parse(answer.body) as Record<string, string>)['x-forwarded-for'] ?? ''
  }
  assert.equal(await seen(), '127.0.0.1')
  await change({ listen: 0, workers: [a.url], trustedProxies: ['127.0.0.0/8'] })
  assert.equal(await seen(), '203.0.113.7, 127.0.0.1')
  await change({ listen: 0, workers: [a.url] })
  assert.equal(await seen(), '127.0.0.1')
})

test('a gateway that is shutting down does not reload', async (t) => {
  const { answer, count, go } = held()
  const slow = await startBackend(t, 'slow', answer)
  const port = await lastingPort()
  const { gateway, file, after } = await startSite(t, { listen: 0, workers: [slow.url] })
  const slowly = body(gateway.url)
  await until('it is under way', () => count() === 1)
  const ended = gateway.end('SIGTERM')
  await gateway.line(/SIGTERM: finishing/)
  replaceFile(file, textOf({ listen: port, workers: [slow.url] }))
  assert.match(await after(() => gateway.child.kill('SIGHUP')), /not reloaded: the gateway is shutting down/)
  await assert.rejects(get(`http://127.0.0.1:${port}`), { code: 'ECONNREFUSED' })
  go()
  assert.equal(await slowly, 'held')
  assert.equal(await ended, 0)
})

suite('reloads in this process', () => {
  async function started(t: TestContext, config: object) {
    const file = join(folder(t), 'rondo.yaml')
    writeFileSync(file, textOf(config))
    const gateway = new Gateway()
    await gateway.apply((await load(file, ENV)).config)
    t.after(() => gateway.close())
    return { gateway, file, url: `http://127.0.0.1:${gateway.listeners[0]?.port}` }
  }

  test('are one after the other, and the last goes by the file as it is last', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const { gateway, file, url } = await started(t, { listen: 0, workers: [a.url] })
    const reloads: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      writeFileSync(file, textOf({ listen: 0, workers: [i % 2 === 0 ? a.url : b.url] }))
      reloads.push(reload(gateway, file, ENV))
    }
    await Promise.all(reloads)
    assert.equal(await body(url), 'b')
    assert.deepEqual(
      gateway.pools.get('default')?.workers.map(({ id }) => id),
      [b.id],
    )
  })

  test('are remembered: when they were, who asked, and what was wrong', async (t) => {
    const a = await startBackend(t, 'a')
    const { gateway, file } = await started(t, { listen: 0, workers: [a.url] })
    assert.deepEqual(gateway.reloads, [])
    writeFileSync(file, textOf({ listen: 0, workers: [] }))
    const before = Date.now()
    const result = await reload(gateway, file, ENV)
    assert.deepEqual(gateway.reloads, [result])
    assert.ok(result.at >= before && result.at <= Date.now())
    assert.match(result.error ?? '', /rondo\.yaml:3:14: workers: .*names no worker/)
    writeFileSync(file, textOf({ listen: 0, workers: [a.url] }))
    assert.equal((await reload(gateway, file, ENV, 'signal')).error, undefined)
    assert.deepEqual(
      gateway.reloads.map(({ by }) => by),
      ['file', 'signal'],
    )
    for (let i = 0; i < 25; i++) await reload(gateway, file, ENV)
    assert.equal(gateway.reloads.length, 20)
  })

  test('of certificates go by the text that is in force', async (t) => {
    const a = await startBackend(t, 'a')
    const { gateway, file } = await started(t, { listen: 0, workers: [a.url] })
    writeFileSync(file, 'nonsense')
    const { by, error } = await reloadCertificates(gateway, file, {})
    assert.deepEqual([by, error], ['certificate', undefined])
    assert.deepEqual(
      gateway.pools.get('default')?.workers.map(({ id }) => id),
      [a.id],
    )
    assert.equal((await reload(gateway, file, {}, 'signal')).by, 'signal')
  })

  test('of a gateway that is closed change nothing', async (t) => {
    const a = await startBackend(t, 'a')
    const { gateway, file } = await started(t, { listen: 0, workers: [a.url] })
    await gateway.close()
    assert.equal((await reload(gateway, file, ENV)).error, 'the gateway is shutting down')
  })
})
