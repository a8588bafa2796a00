import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers } from './covers.ts'
import { ask, start } from './running.ts'

const FILE = { routes: [{ answer: { status: 200, body: 'here' } }], admin: '127.0.0.1:0' }

test('the number of processes is shown by the admin API, and another is planned', async (t) => {
  covers('processes')
  const { gateway } = await start(t, { ...FILE, processes: 1 })
  const url = `http://127.0.0.1:${gateway.admin?.port}`
  const shown = JSON.parse((await ask(`${url}/config`)).body) as { processes: unknown }
  assert.equal(shown.processes, 1)
  const others = async (processes: number): Promise<unknown> => {
    const { body } = await ask(`${url}/plan`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...shown, processes }),
    })
    return (JSON.parse(body) as { others: unknown }).others
  }
  assert.deepEqual(await others(1), [])
  assert.deepEqual(await others(4), [{ key: 'processes', from: 1, to: 4, restart: true }])
})
