import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { nothingLeft, resources } from '../support/resources.ts'
import { until } from '../support/until.ts'
import { startFaultyWorker, type Fault, type FaultyWorkerOptions } from './faulty-worker.ts'

const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n'
const CHUNKED = 'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
const SILENT: Fault = { does: 'fall silent', after: { response: 0 } }

async function start(t: TestContext, fault: Fault, options?: FaultyWorkerOptions) {
  const worker = await startFaultyWorker(fault, options)
  t.after(() => worker.close())
  return worker
}

/** A connection, and what came over it so far. */
async function dial(t: TestContext, port: number): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.after(() => socket.destroy())
  let received = ''
  socket.on('data', (data) => void (received += data.toString('latin1')))
  await once(socket, 'connect')
  return { socket, received: () => received }
}

test('a faulty worker answers spared paths well, and the same connection goes on', async (t) => {
  const worker = await start(t, SILENT)
  const { socket, received } = await dial(t, worker.port)
  for (let i = 1; i <= 2; i++) {
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    await until('an answer', () => received().split('hello').length === i + 1)
  }
  socket.write(GET)
  await until('it is seen', () => worker.requests.length === 3)
  assert.deepEqual(
    worker.requests.map(({ path }) => path),
    ['/health', '/health', '/x'],
  )
  assert.deepEqual([worker.connections, worker.open], [1, 1])
})

test('a faulty worker writes the very bytes that it shall before it breaks off', async (t) => {
  for (const does of ['reset', 'end'] as const) {
    const worker = await start(t, { does, after: { response: 12 } })
    const { socket, received } = await dial(t, worker.port)
    socket.write(GET)
    await until('it breaks off', () => socket.closed)
    assert.equal(received(), 'HTTP/1.1 200')
  }
})

test('a faulty worker that breaks off within a request answers a shorter one', async (t) => {
  const worker = await start(t, { does: 'reset', after: { request: 90 } })
  const { socket, received } = await dial(t, worker.port)
  socket.write(GET)
  await until('an answer', () => received().endsWith('hello'))
  socket.write(CHUNKED)
  await until('it is seen', () => worker.requests.length === 2)
  socket.write(`20\r\n${'x'.repeat(0x20)}\r\n`)
  await until('it breaks off', () => socket.closed)
  assert.equal(worker.requests[1]?.bytes, CHUNKED.length + 38)
})

test('a faulty worker knows the end of a request in chunks, byte by byte', async (t) => {
  const worker = await start(t, { does: 'dribble', bytes: 7, pause: 1 })
  const { socket, received } = await dial(t, worker.port)
  const whole = `${CHUNKED}3\r\nabc\r\n2;a=b\r\n\r\n\r\n0\r\nX: y\r\n\r\n`
  for (let sent = 1; sent <= whole.length; sent++) {
    assert.equal(received(), '')
    socket.write(whole.charAt(sent - 1))
    await until('it is read', () => sent < CHUNKED.length || worker.requests[0]?.bytes === sent)
  }
  await until('an answer', () => received().endsWith('hello'))
  assert.equal(worker.requests[0]?.bytes, whole.length)
})

test('what a faulty worker would answer may be given', async (t) => {
  const answer = ({ method }: { method: string }): string => `HTTP/1.1 204 ${method}\r\n\r\n`
  const worker = await start(t, { does: 'end', after: { response: Infinity } }, { answer })
  const { socket, received } = await dial(t, worker.port)
  socket.write(GET)
  await once(socket, 'end')
  assert.equal(received(), 'HTTP/1.1 204 GET\r\n\r\n')
})

for (const fault of [
  SILENT,
  { does: 'refuse' },
  { does: 'stop reading', after: { request: 1 } },
  { does: 'dribble', bytes: 1, pause: 60_000 },
  { does: 'run out', of: 'connections' },
  { does: 'run out', of: 'backlog' },
  { does: 'run out', of: 'files' },
] satisfies Fault[])
  test(`nothing is left of a closed worker: ${JSON.stringify(fault)}`, async () => {
    const before = resources()
    const worker = await startFaultyWorker(fault)
    const socket = connect(worker.port, '127.0.0.1').on('error', () => {})
    socket.write(GET)
    if (fault.does !== 'refuse' && fault.does !== 'run out')
      await until('it is seen', () => worker.requests.length === 1)
    await worker.close()
    socket.destroy()
    await nothingLeft(before)
  })
