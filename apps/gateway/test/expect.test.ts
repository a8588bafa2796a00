import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway, startWorker } from './processes.ts'
import { exchange } from './raw.ts'

const HEAD =
  'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'

for (const FORWARDER of ['http-proxy', 'undici']) {
  test(`a client that expects 100 Continue is told so, and then its body goes on, by ${FORWARDER}`, async (t) => {
    const worker = await startWorker(t, 'a')
    const gateway = await startGateway(t, [worker.url], { FORWARDER })
    const received = await exchange(t, gateway.port, HEAD, 'hello')
    assert.match(received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n[^]*hello/)
    assert.doesNotMatch(received, /100 Continue[^]*100 Continue/)
    await gateway.line(/"POST \/echo" 200 /)
  })

  test(`a client that expects 100 Continue isn't told so when no worker can be reached, by ${FORWARDER}`, async (t) => {
    const worker = await startWorker(t, 'a')
    const gateway = await startGateway(t, [worker.url], { FORWARDER })
    await gateway.line(/ is up/)
    await worker.end('SIGKILL')
    assert.match(await exchange(t, gateway.port, HEAD, 'hello'), /^HTTP\/1\.1 50[23] /)
  })
}

test('any other expectation is a 417, and what was pipelined behind it is not served', async (t) => {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  const bytes = 'GET /x HTTP/1.1\r\nHost: a\r\nExpect: else\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n'
  const received = await exchange(t, gateway.port, bytes)
  assert.match(received, /^HTTP\/1\.1 417 /)
  assert.doesNotMatch(received, / 200 /)
  assert.match(await gateway.line(/ 417 /), /"GET \/x" 417 /)
})
