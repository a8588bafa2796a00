import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { startGatewayBy, startWorker, type Running } from '../processes.ts'
import { covers } from './covers.ts'

const run = promisify(execFile)
const skip = spawnSync('curl', ['--version']).status === 0 ? false : 'there is no curl here'

/** The gateway as a process of its own, by a file as people write it. */
async function startByFile(t: TestContext): Promise<Running> {
  const [api, rest] = [await startWorker(t, 'api'), await startWorker(t, 'rest')]
  const folder = await mkdtemp(join(tmpdir(), 'rondo-clients-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'rondo.yaml')
  const text = `
$schema: ./rondo.schema.json
listen: 0
workers: ['http://127.0.0.1:${rest.port}']
pools:
  api:
    workers:
      - url: http://127.0.0.1:${api.port}
        name: first
    forwarder: undici
    limits: { body: 1KiB }
routes:
  - { host: api.test, path: /v1, pool: api, strip: true }
  - { path: /old, redirect: { to: /new$path, status: 301 } }
  - { path: /down, answer: { status: 503, body: '{"why":"later"}', type: application/json } }
  - { method: DELETE, answer: { status: 405 } }
`
  await writeFile(file, text)
  return startGatewayBy(t, file)
}

test('by curl', { skip }, async (t) => {
  covers('$schema', 'listen', 'workers[]', 'pools.*.workers[].url', 'pools.*.limits.body', 'routes[].host')
  const { port, url } = await startByFile(t)
  const curl = async (...args: string[]): Promise<string> =>
    (await run('curl', ['--silent', '--show-error', '--max-time', '20', '--noproxy', '*', ...args])).stdout
  const worker = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await curl(...args)) as Record<string, unknown>

  const named = ['--resolve', `api.test:${port}:127.0.0.1`, `http://api.test:${port}/v1/x?y=1`]
  assert.partialDeepStrictEqual(await worker(...named), { worker: 'api', method: 'GET', path: '/x?y=1' })
  assert.partialDeepStrictEqual(await worker(`${url}/v1/x`), { worker: 'rest', path: '/v1/x' })
  assert.equal(
    await curl('--write-out', '%{http_code} %{redirect_url}', `${url}/old?a`),
    `301 ${url}/new/old?a`,
  )
  assert.partialDeepStrictEqual(await worker('--location', `${url}/old`), {
    worker: 'rest',
    path: '/new/old',
  })
  assert.equal(
    await curl('--write-out', ' %{http_code} %{content_type}', `${url}/down`),
    '{"why":"later"} 503 application/json',
  )
  assert.match(await curl('--head', `${url}/down`), /^HTTP\/1\.1 503 .*\r\nContent-Length: 15\r\n/s)
  assert.equal(await curl('--write-out', '%{http_code}', '--request', 'DELETE', url), '405')
  const body = 'x'.repeat(2000)
  const status = ['--output', '/dev/null', '--write-out', '%{http_code}']
  assert.equal(await curl(...status, '--data', body, ...named), '413')
  assert.equal(
    await curl(...status, '--data', body, '--header', 'Transfer-Encoding: chunked', ...named),
    '413',
  )
  assert.equal(await curl('--data', body, `${url}/echo`), body)
  assert.equal(await curl(...status, '--path-as-is', `${url}/x/../down`), '404')
  assert.match(await curl(`${url}/metrics`), /^worker_api_first_requests 2$/m)
})

test('by fetch', async (t) => {
  covers('routes[].redirect.to', 'routes[].answer.status', 'routes[].method')
  const { url } = await startByFile(t)
  const followed = await fetch(`${url}/old/x`)
  assert.equal(followed.redirected, true)
  assert.partialDeepStrictEqual(await followed.json(), { worker: 'rest', path: '/new/old/x' })
  const kept = await fetch(`${url}/old/x`, { redirect: 'manual' })
  assert.deepEqual([kept.status, kept.headers.get('location')], [301, '/new/old/x'])
  const down = await fetch(`${url}/down`)
  assert.deepEqual([down.status, await down.json()], [503, { why: 'later' }])
  assert.equal((await fetch(`${url}/down`, { method: 'HEAD' })).headers.get('content-length'), '15')
  const refused = await fetch(url, { method: 'DELETE' })
  assert.deepEqual([refused.status, await refused.text()], [405, ''])
  const echoed = await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(2000) })
  assert.equal((await echoed.text()).length, 2000)
})
