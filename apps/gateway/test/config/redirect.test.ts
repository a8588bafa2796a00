import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { exchange } from '../raw.ts'
import { folder } from '../reloading.ts'
import { covers } from './covers.ts'
import { ask, SELDOM, start, startWorker, type Running } from './running.ts'

const OVER = 'HTTP/1.1 308 Permanent Redirect'

/** A gateway that sends all to https, with a worker that is never to be asked. */
async function startRedirect(t: TestContext, redirect = 443, fields: object = {}) {
  const worker = await startWorker(t)
  const gateway = await start(t, {
    listen: { port: 0, host: '127.0.0.1', redirect },
    workers: [worker.url],
    health: { schedule: SELDOM },
    ...fields,
  })
  return { ...gateway, worker }
}

/** The Location for the head of a request, given as lines. */
async function locationOf(
  t: TestContext,
  { port }: Running,
  ...lines: string[]
): Promise<string | undefined> {
  const text = await exchange(t, port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)
  assert.ok(text.startsWith(OVER), text)
  return /^location: (.*)\r$/im.exec(text)?.[1]
}

suite('a listener that redirects', () => {
  test('sends every request to the same place over https, with its path and query', async (t) => {
    covers('listen.redirect')
    const gateway = await startRedirect(t)
    const { port, worker } = gateway
    for (const [target, host, location] of [
      ['/', 'a.test', 'https://a.test/'],
      ['/x/y?z=1&q=%2F', 'A.test:80', 'https://A.test/x/y?z=1&q=%2F'],
      ['/metrics', 'a.test:', 'https://a.test/metrics'],
      ['//evil.test/x', 'a.test', 'https://a.test//evil.test/x'],
      ['/\\evil.test', 'a.test', 'https://a.test/\\evil.test'],
      ['/@evil.test', 'a.test', 'https://a.test/@evil.test'],
      ['/%0d%0aX:%20y', 'a.test', 'https://a.test/%0d%0aX:%20y'],
      ['/', '127.0.0.1:8080', 'https://127.0.0.1/'],
      ['/', '[::1]', 'https://[::1]/'],
      ['/', '[::1]:8080', 'https://[::1]/'],
      ['http://b.test:81/x', 'a.test', 'https://b.test/x'],
      ['http://b.test?x', 'a.test', 'https://b.test/?x'],
      ['http://b.test', 'a.test', 'https://b.test/'],
    ] as const)
      assert.equal(await locationOf(t, gateway, `GET ${target} HTTP/1.1`, `Host: ${host}`), location)
    assert.equal(await locationOf(t, gateway, 'GET /x HTTP/1.0', 'Host: a.test'), 'https://a.test/x')
    const posted = await ask(`http://127.0.0.1:${port}/form`, { method: 'POST', body: 'x'.repeat(100_000) })
    assert.deepEqual([posted.status, posted.headers.location], [308, 'https://127.0.0.1/form'])
    assert.deepEqual(worker.seen, [])
  })

  test('names the port, where it is another than 443', async (t) => {
    covers('listen[].redirect')
    const worker = await startWorker(t)
    const gateway = await start(t, {
      listen: [{ port: 0, host: '127.0.0.1', redirect: 8443 }],
      workers: [worker.url],
      health: { schedule: SELDOM },
    })
    for (const [host, location] of [
      ['a.test:80', 'https://a.test:8443/x'],
      ['[::1]:80', 'https://[::1]:8443/x'],
    ] as const)
      assert.equal(await locationOf(t, gateway, 'GET /x HTTP/1.1', `Host: ${host}`), location)
  })

  test('answers 400 to who does not say by which host, or says what is none', async (t) => {
    const { port, worker } = await startRedirect(t)
    for (const lines of [
      ['GET / HTTP/1.0'],
      ['GET / HTTP/1.1'],
      ['GET / HTTP/1.1', 'Host:'],
      ['GET / HTTP/1.1', 'Host: evil.test@a.test'],
      ['GET / HTTP/1.1', 'Host: evil.test/a.test'],
      ['GET / HTTP/1.1', 'Host: //evil.test'],
      ['GET / HTTP/1.1', 'Host: evil.test#a.test'],
      ['GET / HTTP/1.1', 'Host: evil.test?a.test'],
      ['GET / HTTP/1.1', 'Host: a.test\\evil.test'],
      ['GET / HTTP/1.1', 'Host: a.test, evil.test'],
      ['GET / HTTP/1.1', 'Host: a.test evil.test'],
      ['GET / HTTP/1.1', 'Host: a.test:80:81'],
      ['GET / HTTP/1.1', 'Host: a.test:x'],
      ['GET / HTTP/1.1', 'Host: :80'],
      ['GET / HTTP/1.1', 'Host: a.test\rX: y'],
      ['GET / HTTP/1.1', 'Host: a.test\0'],
      ['GET / HTTP/1.1', 'Host: a%0d%0aX:y'],
      ['GET / HTTP/1.1', 'Host: \xe4.test'],
      ['GET / HTTP/1.1', 'Host: ::1'],
      ['GET / HTTP/1.1', 'Host: [::1'],
      ['GET / HTTP/1.1', 'Host: a.test', 'Host: b.test'],
      ['GET http://evil.test@a.test/ HTTP/1.1', 'Host: a.test'],
      ['GET http://a.test/ HTTP/1.1', 'Host: evil.test@a.test'],
      ['GET http:///x HTTP/1.1', 'Host: a.test'],
      ['GET ftp://a.test/ HTTP/1.1', 'Host: a.test'],
      ['GET x HTTP/1.1', 'Host: a.test'],
      ['OPTIONS * HTTP/1.1', 'Host: a.test'],
    ]) {
      const text = await exchange(t, port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)
      assert.match(text, /^HTTP\/1\.1 400 /, lines.join('|'))
      assert.doesNotMatch(text, /location/i)
    }
    assert.deepEqual(worker.seen, [])
  })

  test('sends on WebSockets too', async (t) => {
    const { port, worker } = await startRedirect(t)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat?x`)
    socket.on('error', () => {})
    const [, res] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    assert.deepEqual([res.statusCode, res.headers.location], [308, 'https://127.0.0.1/chat?x'])
    res.destroy()
    const text = await exchange(
      t,
      port,
      'GET / HTTP/1.1\r\nHost: a@b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    )
    assert.match(text, /^HTTP\/1\.1 400 /)
    assert.deepEqual(worker.seen, [])
  })

  test('stands in the access log', async (t) => {
    const file = join(folder(t), 'access.log')
    const { port, gateway } = await startRedirect(t, 443, { log: { format: 'json', file } })
    await ask(`http://127.0.0.1:${port}/x`)
    await exchange(
      t,
      port,
      'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    )
    await gateway.close()
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    assert.deepEqual(
      lines
        .map((line) => JSON.parse(line) as { url: string; status: number })
        .map(({ url, status }) => [url, status]),
      [
        ['/x', 308],
        ['/ws', 308],
      ],
    )
  })
})
