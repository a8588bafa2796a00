import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startHolding } from './holding.ts'
import { failToStart, get, startGateway } from './processes.ts'
import { until } from './reloading.ts'

const WORKERS = 'http://127.0.0.1:1'

for (const [env, line] of [
  [{ PORT: 'abc' }, /^rondo: PORT: "abc" is not a port; give a whole number from 0 to 65535$/],
  [{ PORT: '65536' }, /^rondo: PORT: "65536" is not a port; /],
  [{ PORT: '' }, /^rondo: PORT: "" is not a port; /],
  [{ PORT: '0', FORWARDER: 'nginx' }, /^rondo: FORWARDER: "nginx" is unknown; use "http-proxy" or "undici"$/],
  [{ PORT: '0', WORKERS: '' }, /^rondo: WORKERS: "" names no worker; give URLs, as /],
  [{ PORT: '0', WORKERS: 'nonsense' }, /^rondo: WORKERS\[0\]: "nonsense" is not a URL; write it as /],
  [{ PORT: '0', WORKERS: 'ftp://a:1' }, /^rondo: WORKERS\[0\]: .*unsupported protocol "ftp:"; use /],
  [{ PORT: '0', WORKERS: `${WORKERS},${WORKERS}` }, /^rondo: WORKERS\[1\]: "127.0.0.1:1" is there twice; /],
] as const) {
  test(`the gateway does not start with ${JSON.stringify(env)}, and says why in one line`, async (t) => {
    const { code, stderr } = await failToStart(t, { WORKERS, ...env })
    assert.equal(code, 1)
    assert.match(stderr, line)
  })
}

test('a taken port is told in one line that names the variable to set', async (t) => {
  const holder = createServer().listen(0)
  t.after(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const { code, stderr } = await failToStart(t, { WORKERS, PORT: String(port) })
  assert.equal(code, 1)
  assert.match(
    stderr,
    new RegExp(`^rondo: listen: ${port} is taken; set PORT to another, as in PORT=8080 pnpm start, or `),
  )
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets a slow response finish, takes no new connection, and exits with 0`, async (t) => {
    const worker = await startHolding(t, 'slow')
    const gateway = await startGateway(t, [worker.url])
    await get(gateway.url)
    const slow = get(`${gateway.url}/slow`)
    await untilActive(gateway.url, 1)

    const ended = gateway.end(signal)
    await gateway.line(new RegExp(`${signal}: finishing`))
    await assert.rejects(get(gateway.url), { code: /^ECONN(REFUSED|RESET)$/ })
    worker.answer()
    assert.deepEqual(await slow, { status: 200, body: 'slow' })
    assert.equal(await ended, 0)
    assert.match(gateway.lines.at(-1) ?? '', / gateway stopped$/)
  })
}

test('a client that keeps its connection is told at shutdown that it closes', async (t) => {
  const worker = await startHolding(t, 'slow')
  const gateway = await startGateway(t, [worker.url])
  const client = connect(gateway.port, '127.0.0.1')
  t.after(() => client.destroy())
  let received = ''
  client.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
  client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await untilActive(gateway.url, 1)
  const ended = gateway.end('SIGTERM')
  await gateway.line(/SIGTERM: finishing/)
  worker.answer()
  await once(client, 'close')
  assert.match(received, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close\r\n/i)
  assert.match(received, /\r\n\r\nslow$/)
  assert.equal(await ended, 0)
})

test('a second signal ends the gateway at once', async (t) => {
  const worker = await startHolding(t, 'slow')
  const gateway = await startGateway(t, [worker.url])
  const slow = assert.rejects(get(`${gateway.url}/slow`))
  await untilActive(gateway.url, 1)
  const ended = gateway.end('SIGTERM')
  await gateway.line(/SIGTERM: finishing/)
  gateway.child.kill('SIGINT')
  assert.equal(await ended, 1)
  await slow
})

function untilActive(url: string, count: number): Promise<void> {
  return until(`${count} are active`, async () =>
    (await get(`${url}/metrics`)).body.includes(`requests_active ${count}\n`),
  )
}
