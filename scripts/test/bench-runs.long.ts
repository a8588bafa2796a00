import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useLoadProgram } from '../bench/load/http-load.ts'
import { countRunning } from '../bench/processes/launch.ts'
import { circumstances } from '../bench/report/format.ts'
import { cells } from '../bench/report/table.ts'
import { runScenario } from '../bench/run-scenario.ts'
import { eachOnce } from '../bench/scenario.ts'
import { small } from '../bench/scenarios/small.ts'
import { tcpConnections, tcpUpload } from '../bench/scenarios/tcp.ts'
import { hpm } from '../bench/subjects/hpm.ts'
import { pipe } from '../bench/subjects/pipe.ts'
import { rondoHttpProxy } from '../bench/subjects/rondo-http-proxy.ts'
import { rondoTcp } from '../bench/subjects/rondo-tcp.ts'
import { measureStrategies, STRATEGIES } from '../bench/strategies/index.ts'

test('strategies are measured without servers: a figure for each size of pool, and simulated times', () => {
  const [picks, ...simulated] = measureStrategies(1)
  assert.ok(picks)
  assert.deepEqual(cells(picks)[0], ['', 'ns among 3', 'among 100', 'among 1,000', 'among 10,000', 'errors'])
  assert.ok(picks.rows.some(({ name }) => name === 'round-robin'))
  assert.deepEqual(
    [picks, ...simulated].map(({ name }) => name),
    STRATEGIES,
  )
  for (const result of [picks, ...simulated]) {
    assert.doesNotMatch(cells(result).flat().join(), /–|NaN|undefined/)
    assert.match(circumstances(result), /^(1 rounds, medians; )?no servers; Node /)
  }
})

test('a real run measures two subjects without errors, and leaves no process behind', async () => {
  useLoadProgram('autocannon')
  const contestants = eachOnce([rondoHttpProxy, hpm])
  const scenario = { ...small, warmUp: async () => {} }
  const plan = { rounds: 1, seconds: 1, bound: 30 }
  const result = await runScenario(scenario, contestants, plan, () => {})
  assert.equal(countRunning(), 0)
  assert.deepEqual(
    result.rows.map(({ name, errors, why }) => ({ name, errors, why })),
    ['rondo-http-proxy', 'hpm'].map((name) => ({ name, errors: 0, why: undefined })),
  )
  for (const { figures, ratios } of result.rows) {
    assert.ok((figures.perSecond ?? 0) > 0)
    assert.ok((ratios['vs hpm'] ?? 0) > 0)
  }
})

for (const scenario of [tcpUpload, tcpConnections])
  test(`a real run of ${scenario.name} measures Rondo and the bare pipe without errors`, async () => {
    const contestants = eachOnce([rondoTcp, pipe])
    const plan = { rounds: 1, seconds: 1, bound: 30 }
    const result = await runScenario({ ...scenario, warmUp: async () => {} }, contestants, plan, () => {})
    assert.equal(countRunning(), 0)
    for (const { name, figures, ratios, errors, why } of result.rows) {
      assert.deepEqual([name, errors, why], [name, 0, undefined])
      assert.ok((figures.perSecond ?? 0) > 0)
      assert.ok((ratios['vs pipe'] ?? 0) > 0)
    }
    assert.match(circumstances(result), /; Node clients and Node backends; /)
    assert.match(cells(result)[0]?.[1] ?? '', /^(MB|connections)\/s$/)
  })
