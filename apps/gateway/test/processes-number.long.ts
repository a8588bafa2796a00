import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isGone, startCrew, whoAnswers, type Serving } from './crew.ts'
import { get } from './processes.ts'
import { replaceFile, startBackend, textOf, until } from './reloading.ts'

suite('the number of processes', () => {
  test('changes on a reload, 2 to 4 to 2 to 1 to 2; those that stay are the same', async (t) => {
    const a = await startBackend(t, 'a')
    const crew = await startCrew(t, { workers: [a.url] })
    let before: readonly Serving[] = await crew.settled(2)
    for (const processes of [4, 2, 1, 2]) {
      const { length } = crew.gateway.lines
      replaceFile(crew.file, textOf({ ...crew.config, processes }))
      await crew.gateway.line(/is in force/, length)
      const now = await crew.settled(processes)
      const kept = Math.min(processes, before.length)
      assert.deepEqual(
        now.map(({ number }) => number),
        Array.from({ length: processes }, (_, i) => i + 1),
      )
      assert.deepEqual(
        now.slice(0, kept).map(({ pid }) => pid),
        before.slice(0, kept).map(({ pid }) => pid),
      )
      for (const { pid } of before.slice(kept)) await until('it has ended', () => isGone(pid))
      assert.deepEqual(await whoAnswers(t, crew), new Set(['a']))
      before = now
    }
    const { body } = await get(`${crew.admin}/metrics`, { accept: 'application/openmetrics-text' })
    assert.match(body, /^rondo_process_falls_total 0$/m)
  })

  test('may be less while requests go on, and none of them fails', async (t) => {
    const slow = await startBackend(t, 'slow', (_req, res) => void setTimeout(() => res.end('slow'), 20))
    const crew = await startCrew(t, { processes: 4, workers: [slow.url] })
    const work = { isOver: false }
    const clients = Array.from({ length: 6 }, async () => {
      while (!work.isOver) assert.equal((await get(crew.gateway.url)).body, 'slow')
    })
    await crew.change({ ...crew.config, processes: 1 })
    await crew.settled(1)
    work.isOver = true
    await Promise.all(clients)
    assert.equal((await crew.stats()).pools['default']?.requests.failed, 0)
  })

  test('takes a restart where there was one, which is said', async (t) => {
    const [a, b] = await Promise.all([startBackend(t, 'a'), startBackend(t, 'b')])
    const crew = await startCrew(t, { workers: [a.url], processes: 1 })
    const { length } = crew.gateway.lines
    await crew.change({ ...crew.config, workers: [b.url], processes: 2 })
    await crew.gateway.line(/warning: this gateway is one process: processes: 2 takes a restart/, length)
    assert.equal((await crew.stats()).processes.length, 1)
  })
})
