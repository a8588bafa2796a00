import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { runningWorker } from './running.ts'

test('?status= changes the status of any path, /health included', async (t) => {
  const { url } = await runningWorker(t)
  const res = await fetch(`${url}/any?status=503`)
  assert.equal(res.status, 503)
  assert.match(await res.text(), /"path":"\/any\?status=503"/)
  assert.equal((await fetch(`${url}/health?status=404`)).status, 404)
  assert.equal((await fetch(`${url}/?status=204`)).status, 204)
})

test('?bytes= answers a body of that length, together with the other dials', async (t) => {
  const { url } = await runningWorker(t)
  for (const bytes of [0, 1, 65_536, 200_000]) {
    const res = await fetch(`${url}/?bytes=${bytes}&status=418&delay=1`)
    assert.equal(res.status, 418)
    assert.equal(res.headers.get('content-length'), String(bytes))
    assert.equal((await res.arrayBuffer()).byteLength, bytes)
  }
  assert.equal((await fetch(`${url}/?bytes=7&status=204`)).status, 204)
  const head = await fetch(`${url}/?bytes=7`, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '7')
})

test('?bytes= is made as it is read: a body larger than memory starts at once, and a client may leave', async (t) => {
  const { url, server } = await runningWorker(t)
  const leave = new AbortController()
  const res = await fetch(`${url}/?bytes=${Number.MAX_SAFE_INTEGER}`, { signal: leave.signal })
  const first = await res.body?.getReader().read()
  assert.ok(first?.value?.byteLength)
  leave.abort()
  server.close()
  await once(server, 'close')
})

test('?delay= answers later, and a client that leaves meanwhile is not waited for', async (t) => {
  const { url, port, server } = await runningWorker(t)
  assert.equal((await fetch(`${url}/?delay=20`)).status, 200)
  const arrived = once(server, 'request')
  const req = request({ port, path: '/?delay=600000' })
  req.on('error', () => {})
  req.end()
  await arrived
  req.destroy()
  server.close()
  await once(server, 'close')
})

for (const [query, parameter, value] of [
  ['delay=abc', 'delay', 'abc'],
  ['delay=-1', 'delay', '-1'],
  ['delay=600001', 'delay', '600001'],
  ['delay=1&delay=2', 'delay', '["1","2"]'],
  ['status=', 'status', ''],
  ['status=101', 'status', '101'],
  ['status=600', 'status', '600'],
  ['bytes=1.5', 'bytes', '1.5'],
  ['bytes=1e3', 'bytes', '1e3'],
  ['bytes=99999999999999999999', 'bytes', '99999999999999999999'],
] as const) {
  test(`?${query} is refused with the parameter, its value and what would do`, async (t) => {
    const { url } = await runningWorker(t)
    const res = await fetch(`${url}/any?${query}`)
    assert.equal(res.status, 400)
    const body: Record<string, unknown> = JSON.parse(await res.text())
    assert.equal(body['parameter'], parameter)
    assert.equal(body['value'], value)
    assert.match(String(body['mend']), /^give one whole number from \d+ to \d+$/)
  })
}
