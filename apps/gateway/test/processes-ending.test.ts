import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { startCrew } from './crew.ts'
import { replaceFile, startBackend, textOf } from './reloading.ts'

test('a process that ends goes on with what it carries when a worker is undrained that it was never told of', async (t) => {
  const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
  const crew = await startCrew(t, { workers: [a.url], shutdown: '20s' })
  const client = new WebSocket(`ws://127.0.0.1:${crew.gateway.port}/`)
  t.after(() => client.terminate())
  await once(client, 'open')
  crew.gateway.child.kill('SIGUSR2')
  await crew.gateway.line(/all processes are replaced/)
  const { length } = crew.gateway.lines
  replaceFile(crew.file, textOf({ ...crew.config, workers: [a.url, b.url] }))
  crew.gateway.child.kill('SIGHUP')
  await crew.gateway.line(/is in force/, length)
  for (const deed of ['drain', 'undrain']) await crew.call('POST', `/workers/default/${b.id}/${deed}`)
  for (const word of ['one', 'other']) {
    client.send(word)
    const [answer] = (await Promise.race([once(client, 'message'), once(client, 'close')])) as [unknown]
    assert.equal(String(answer), word)
  }
  assert.ok(!crew.gateway.lines.some((line) => line.includes('OptionError')))
})
