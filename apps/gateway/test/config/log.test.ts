import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { WebSocket } from 'ws'
import { get, startGatewayBy, type Running } from '../processes.ts'
import { covers } from './covers.ts'
import { ask, start, startWorker, until } from './running.ts'

const DATE = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'rondo-log-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function process(t: TestContext, text: string): Promise<Running> {
  const file = join(await folder(t), 'rondo.yaml')
  await writeFile(file, `listen: 0\nroutes: [{ answer: { status: 202, body: here } }]\n${text}`)
  return startGatewayBy(t, file)
}

test('log: combined', async (t) => {
  covers('log')
  const gateway = await process(t, 'log: combined')
  await get(`${gateway.url}/hello`, { 'User-Agent': 'me', Referer: 'there' })
  assert.match(
    await gateway.line(/hello/),
    /^(::ffff:)?127\.0\.0\.1 - - \[.+ \+0000\] "GET \/hello HTTP\/1\.1" 202 4 "there" "me"$/,
  )
})

test('log: dev', async (t) => {
  covers('log')
  const gateway = await process(t, 'log: dev')
  await get(`${gateway.url}/hello`)
  const line = stripVTControlCharacters(await gateway.line(/hello/))
  assert.match(line, /^GET \/hello 202 [\d.]+ ms - 4$/)
})

test('log: json', async (t) => {
  covers('log')
  const gateway = await process(t, 'log: json')
  await get(`${gateway.url}/hello?x=1`)
  const { time, duration, ...rest } = JSON.parse(await gateway.line(/hello/)) as Record<string, unknown>
  assert.match(String(time), new RegExp(`^${DATE}$`))
  assert.equal(typeof duration, 'number')
  assert.deepEqual(rest, {
    client: '127.0.0.1',
    method: 'GET',
    url: '/hello?x=1',
    status: 202,
    length: 4,
    attempts: 0,
  })
})

test('log: off', async (t) => {
  covers('log')
  const gateway = await process(t, 'log: off')
  await get(`${gateway.url}/hello`)
  await gateway.end('SIGTERM')
  assert.ok(gateway.lines.every((line) => !line.includes('hello')))
})

test('a log in a file, with its own format where none is given', async (t) => {
  covers('log.file', 'log.format')
  const worker = await startWorker(t)
  for (const [format, line] of [
    [
      undefined,
      new RegExp(String.raw`^${DATE} 127\.0\.0\.1 "GET /hello" 200 .* worker=127\.0\.0\.1:\d+ attempts=1 `),
    ],
    ['json', /^\{"time":.*"url":"\/hello","status":200,.*"worker":"127\.0\.0\.1:\d+","attempts":1,/],
    ['dev', /GET \/hello .*200/],
    ['combined', /^127\.0\.0\.1 - - .* "GET \/hello HTTP\/1\.1" 200 /],
    ['rondo', /"GET \/hello" 200 /],
  ] as const) {
    const file = join(await folder(t), 'access.log')
    const { url } = await start(t, { workers: [worker.url], log: { file, ...(format && { format }) } })
    await ask(`${url}/hello`)
    const text = (): Promise<string> => readFile(file, 'utf8').catch(() => '')
    await until('a line is written', async () => (await text()).includes('\n'))
    assert.match(await text(), line)
    assert.equal((await text()).trim().split('\n').length, 1)
  }
})

test('a log in a file has a line for each upgrade, also for one that no worker got', async (t) => {
  covers('log.file', 'log.format')
  const worker = await startWorker(t)
  const file = join(await folder(t), 'access.log')
  const { port } = await start(t, {
    pools: { chat: { workers: [worker.url] } },
    routes: [
      { path: '/chat', pool: 'chat' },
      { path: '/gone', answer: { status: 410 } },
    ],
    log: { file, format: 'json' },
  })
  for (const path of ['/chat', '/gone', '/none']) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    await new Promise((resolve) => {
      socket
        .on('open', () => socket.close())
        .on('error', () => {})
        .on('close', resolve)
    })
  }
  const lines = async (): Promise<string[]> =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean)
  await until('three lines', async () => (await lines()).length === 3)
  assert.deepEqual(
    (await lines())
      .map((line) => {
        const { url, status } = JSON.parse(line) as { url: string; status: number }
        return [url, status] as const
      })
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    [
      ['/chat', 101],
      ['/gone', 410],
      ['/none', 404],
    ],
  )
})
