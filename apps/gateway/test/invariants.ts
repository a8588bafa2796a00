import assert from 'node:assert/strict'
import { get, type Running } from './processes.ts'

/**
 * Fails if a gateway that carries nothing has an attempt that was never released, or one that no request accounts for.
 * Returns its samples, by their names in OpenMetrics.
 */
export async function invariants(gateway: Running): Promise<(name: string) => number> {
  const { body } = await get(`${gateway.url}/metrics`, { accept: 'application/openmetrics-text' })
  /** The sum of the series of that name. */
  const sample = (name: string): number => {
    const values = Array.from(body.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm')))
    assert.ok(values.length > 0, `${name} is not in:\n${body}`)
    return values.reduce((sum, [, value]) => sum + Number(value), 0)
  }
  assert.equal(sample('rondo_requests_active'), 0)
  assert.equal(sample('rondo_worker_in_flight'), 0)
  assert.equal(
    sample('rondo_worker_requests_total'),
    sample('rondo_requests_total') -
      sample('rondo_requests_unattempted_total') +
      sample('rondo_retries_total'),
  )
  return sample
}
