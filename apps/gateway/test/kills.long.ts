import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invariants } from './invariants.ts'
import { get, lastingPort, startGateway, startWorker, type Running } from './processes.ts'

const ROUNDS = 5
const CLIENTS = 32

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`workers that are killed one after the other under load cost no GET, by ${FORWARDER}`, async (t) => {
    const workers = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => startWorker(t, name, await lastingPort())),
    )
    const gateway = await startGateway(
      t,
      workers.map((worker) => worker.url),
      { FORWARDER },
    )
    await gateway.line(/ is up/)

    const stop = new AbortController()
    const statuses = new Map<number, number>()
    async function client(): Promise<void> {
      while (!stop.signal.aborted) {
        const { status } = await get(`${gateway.url}/load?delay=2`)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, client))

    for (let round = 0; round < ROUNDS; round++) {
      const victim = workers[round % workers.length] as Running
      const about = `worker 127.0.0.1:${victim.port} is`
      const before = gateway.lines.length
      await victim.end('SIGKILL')
      await gateway.line(new RegExp(`${about} down`), before)
      workers[round % workers.length] = await startWorker(t, 'again', victim.port)
      await gateway.line(new RegExp(`${about} up`), before)
    }
    stop.abort()
    await clients
    assert.deepEqual(Array.from(statuses.keys()), [200])

    const sample = await invariants(gateway)
    t.diagnostic(`${sample('rondo_requests_total')} requests, ${sample('rondo_retries_total')} retries`)
  })
