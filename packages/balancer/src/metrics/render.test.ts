import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { poolOf } from '../../test/support/fakes.ts'
import { readOpenMetrics, valueOf } from '../../test/support/open-metrics.ts'
import { renderMetrics } from './controller.ts'

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0'

suite('metrics that are rendered without a response', () => {
  test('are plain for who asks for nothing, or for anything', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    for (const accept of [undefined, '', '*/*', 'text/html'])
      assert.deepEqual(await renderMetrics(pool, accept), {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: pool.metrics.plain(),
      })
  })

  test('are OpenMetrics for who asks for that', async (t) => {
    const pool = poolOf(t, 1)
    const { contentType, body } = await renderMetrics(pool, OPEN_METRICS)
    assert.equal(contentType, pool.metrics.contentType)
    assert.equal(valueOf(readOpenMetrics(body), 'rondo_requests_total'), 0)
  })

  test('show counts of your own beside several pools, those that grow and those that fall', async (t) => {
    const pools = new Map([['all', poolOf(t, 1)]])
    const { body } = await renderMetrics(() => pools, OPEN_METRICS, [
      { name: 'my_visits', help: 'Visits', values: [{ labels: { from: 'home' }, value: 3 }] },
      { name: 'my_guests', type: 'gauge', help: 'Guests', values: [{ labels: {}, value: 2 }] },
    ])
    const samples = readOpenMetrics(body)
    assert.equal(valueOf(samples, 'my_visits_total', { from: 'home' }), 3)
    assert.equal(valueOf(samples, 'my_guests'), 2)
    assert.match(body, /^# TYPE my_guests gauge$/m)
  })
})
