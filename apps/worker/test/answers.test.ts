import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { runningWorker } from './running.ts'

test('any path and method answers 200 with who it was and what was asked, in one line', async (t) => {
  const { url, port } = await runningWorker(t, { name: 'anna' })
  const res = await fetch(`${url}/some//where?x=%zz`, { method: 'PUT', body: 'unread' })
  assert.equal(res.status, 200)
  const path = '/some//where?x=%zz'
  assert.equal(await res.text(), `${JSON.stringify({ worker: 'anna', port, method: 'PUT', path })}\n`)
})

test('a worker without a name is called by the port it is bound to', async (t) => {
  const { url, port } = await runningWorker(t)
  const res = await fetch(url)
  assert.deepEqual(await res.json(), { worker: String(port), port, method: 'GET', path: '/' })
})

test('HEAD and OPTIONS are answered like everything else', async (t) => {
  const { url } = await runningWorker(t)
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
  const res = await fetch(`${url}/health`, { method: 'OPTIONS' })
  assert.match(await res.text(), /"method":"OPTIONS"/)
})

test('POST /sick makes /health answer 503 until POST /well', async (t) => {
  const { url } = await runningWorker(t)
  const health = async () => {
    const res = await fetch(`${url}/health`)
    return [res.status, await res.json()]
  }
  assert.deepEqual(await health(), [200, { status: 'ok' }])
  await fetch(`${url}/sick`, { method: 'POST' })
  assert.deepEqual(await health(), [503, { status: 'sick' }])
  await fetch(`${url}/sick`) // a look at it cures nothing and infects nobody
  await fetch(`${url}/well`, { method: 'POST' })
  assert.deepEqual(await health(), [200, { status: 'ok' }])
})

test('two workers in one process are sick apart', async (t) => {
  const [one, two] = [await runningWorker(t), await runningWorker(t)]
  await fetch(`${one.url}/sick`, { method: 'POST' })
  assert.equal((await fetch(`${one.url}/health`)).status, 503)
  assert.equal((await fetch(`${two.url}/health`)).status, 200)
})

test('idle connections are kept for longer than a gateway pools them', async (t) => {
  const { server } = await runningWorker(t)
  assert.ok(server.keepAliveTimeout > 5000)
})

test('an upgrade to something else than a WebSocket is served as a plain request', async (t) => {
  const { port } = await runningWorker(t)
  const headers = { Connection: 'Upgrade', Upgrade: 'h2c' }
  const status = await new Promise((resolve, reject) => {
    const req = request({ port, headers }, (res) => resolve(res.resume().statusCode))
    req.on('error', reject).end()
  })
  assert.equal(status, 200)
})
