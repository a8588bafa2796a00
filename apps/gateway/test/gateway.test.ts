import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { get, lastingPort, startGateway, startWorker } from './processes.ts'

const answer = async (url: string): Promise<string> =>
  (JSON.parse((await get(url)).body) as { worker: string }).worker

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`the gateway hands requests to its workers in turn by ${FORWARDER}, and logs who served them`, async (t) => {
    const workers = await Promise.all(['a', 'b', 'c'].map((name) => startWorker(t, name)))
    const gateway = await startGateway(
      t,
      workers.map((worker) => worker.url),
      { FORWARDER },
    )

    const served: string[] = []
    for (let i = 0; i < 6; i++) served.push(await answer(`${gateway.url}/hello`))
    assert.deepEqual(served.slice(0, 3).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(served.slice(3), served.slice(0, 3))

    const first = workers[['a', 'b', 'c'].indexOf(served[0] ?? '')]
    const line = await gateway.line(/GET \/hello/)
    assert.match(
      line,
      /^\S+Z 127\.0\.0\.1 "GET \/hello" 200 \d+ worker=\S+ attempts=1 [\d.]+ ms id=[\da-f-]{36}$/,
    )
    assert.ok(line.includes(`worker=127.0.0.1:${first?.port} `), line)
  })

test('a worker that is killed and comes back under load costs no GET, and both changes are logged', async (t) => {
  const workers = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => startWorker(t, name, await lastingPort())),
  )
  const gateway = await startGateway(
    t,
    workers.map((worker) => worker.url),
  )
  const [victim] = workers
  assert.ok(victim)
  const id = `127.0.0.1:${victim.port}`
  await gateway.line(new RegExp(`worker ${id} is up`))

  const stop = new AbortController()
  const statuses = new Map<number, number>()
  const client = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const { status } = await get(`${gateway.url}/load`)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  const clients = Promise.all([client(), client(), client(), client()])

  await victim.end('SIGKILL')
  await gateway.line(new RegExp(`worker ${id} is down: connect ECONNREFUSED .*3 probes in a row`))
  await startWorker(t, 'a', victim.port)
  await gateway.line(new RegExp(`worker ${id} is up: .*2 probes in a row`))
  stop.abort()
  await clients
  assert.deepEqual(Array.from(statuses.keys()), [200])
})

test('a worker that turns sick with its port open gets no more requests until it is well', async (t) => {
  const [sick, well] = await Promise.all([startWorker(t, 'sick'), startWorker(t, 'well')])
  const gateway = await startGateway(t, [sick.url, well.url])
  await answer(gateway.url)
  await fetch(`${sick.url}/sick`, { method: 'POST' })
  await gateway.line(new RegExp(`worker 127.0.0.1:${sick.port} is down: GET /health answered 503`))
  for (let i = 0; i < 4; i++) assert.equal(await answer(gateway.url), 'well')

  const { body } = await get(`${gateway.url}/metrics`)
  assert.match(body, new RegExp(`^worker_${sick.port}_alive 0$`, 'm'))
  assert.match(body, new RegExp(`^worker_${well.port}_alive 1$`, 'm'))

  await fetch(`${sick.url}/well`, { method: 'POST' })
  await gateway.line(new RegExp(`worker 127.0.0.1:${sick.port} is up: .*2 probes in a row`))
  assert.deepEqual([await answer(gateway.url), await answer(gateway.url)].toSorted(), ['sick', 'well'])
})

test('a WebSocket goes through the gateway and is logged when it closes', async (t) => {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat`)
  const echoed = new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()))
  })
  socket.on('open', () => socket.send('hello'))
  assert.equal(await echoed, 'hello')
  assert.match((await get(`${gateway.url}/metrics`)).body, /^requests_active 1$/m)
  socket.close()
  assert.match(
    await gateway.line(/GET \/chat/),
    / 127\.0\.0\.1 "GET \/chat" 101 - worker=127\.0\.0\.1:\d+ attempts=1 /,
  )
})

test('an offer of another protocol than WebSocket is served as an ordinary request', async (t) => {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  const { status } = await get(gateway.url, { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' })
  assert.equal(status, 200)
})

test('a failure is told to the client in short, as JSON or text, and to the log with its cause', async (t) => {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  await answer(gateway.url)
  await worker.end('SIGKILL')
  assert.deepEqual(await get(gateway.url), {
    status: 502,
    body: '{"error":"the worker failed to answer","status":502}\n',
  })
  assert.deepEqual(await get(gateway.url, { accept: 'text/plain' }), {
    status: 502,
    body: 'the worker failed to answer\n',
  })
  await gateway.line(new RegExp(`"GET /" failed: worker 127.0.0.1:${worker.port}: connect ECONNREFUSED`))

  await gateway.line(/ is down: /)
  assert.equal((await get(gateway.url)).status, 503)
})

test('only exactly GET /metrics is taken from the paths of the workers', async (t) => {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  assert.match((await get(`${gateway.url}/metrics`)).body, /^requests_total 0\n/)
  for (const path of ['/metrics/', '/METRICS', '/metrics/x'])
    assert.equal(await answer(gateway.url + path), 'a')
})
