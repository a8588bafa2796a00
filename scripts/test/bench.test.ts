import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readArguments } from '../bench/arguments.ts'
import { planFor } from '../bench/plan.ts'
import { parseCores } from '../bench/processes/pin.ts'
import { chart } from '../bench/report/chart.ts'
import { keep } from '../bench/report/keep.ts'
import { markdown } from '../bench/report/markdown.ts'
import { cells, terminalTable } from '../bench/report/table.ts'
import type { ScenarioResult } from '../bench/result.ts'
import { measureRounds } from '../bench/rounds.ts'
import { eachOnce } from '../bench/scenario.ts'
import { DEFAULT_SCENARIOS, scenarios } from '../bench/scenarios/index.ts'
import { small } from '../bench/scenarios/small.ts'
import { median, medianRatio, rotated } from '../bench/statistics.ts'
import { ceiling } from '../bench/subjects/ceiling.ts'
import { hpm } from '../bench/subjects/hpm.ts'
import { rondoHttpProxy } from '../bench/subjects/rondo-http-proxy.ts'
import { subjects } from '../bench/subjects/index.ts'
import { summarise } from '../bench/summary.ts'

const KNOWN = { scenarios: ['small', '10k'], subjects: ['hpm', 'nginx'] }

test('arguments name scenarios and options in any order', () => {
  const wishes = readArguments(['--rounds', '3', 'small', '--subjects', 'hpm, nginx', '10k'], KNOWN)
  assert.deepEqual(wishes, {
    scenarios: ['small', '10k'],
    subjects: ['hpm', 'nginx'],
    rounds: 3,
    seconds: undefined,
    load: undefined,
    quick: false,
    help: false,
  })
})

for (const [args, message] of [
  [['big'], /no scenario "big"; use one of: small, 10k/],
  [['--subjects', 'hpm,envoy'], /no subject "envoy"; use one of: hpm, nginx/],
  [['--rounds', '0'], /--rounds is "0"; give a whole number from 1 to 100/],
  [['--seconds', '1.5'], /--seconds is "1.5"; give a whole number/],
  [['--load', 'ab'], /no load "ab"; use one of: wrk, autocannon/],
  [['--fast'], /--fast/],
] as const) {
  test(`bad arguments are one line: ${args.join(' ')}`, () => {
    assert.throws(() => readArguments(args, KNOWN), message)
  })
}

test('the default scenarios exist, and no two have the same name', () => {
  const names = scenarios.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const name of DEFAULT_SCENARIOS) assert.ok(names.includes(name), name)
})

test('the plan fits five rounds of three scenarios into five minutes, and a quick one into a minute', () => {
  const wishes = { rounds: undefined, seconds: undefined, quick: false, scenarios: [] }
  const size = { scenarios: 3, contestants: subjects.length, around: 0.2 }
  const plan = planFor(wishes, size)
  assert.equal(plan.rounds, 5)
  assert.ok(plan.seconds >= 1)
  assert.ok(3 * plan.bound < 300)
  const quick = planFor({ ...wishes, quick: true }, { ...size, scenarios: 1 })
  assert.ok(quick.rounds >= 2 && quick.bound < 60, JSON.stringify(quick))
  assert.equal(planFor({ ...wishes, rounds: 9 }, size).rounds, 9)
})

test('a median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([]), undefined)
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 2.5)
})

test('a ratio is the median of the ratios within rounds, and a slow round of both changes nothing', () => {
  assert.equal(medianRatio([200, 20, 220], [100, 10, 100]), 2)
  assert.equal(medianRatio([200, undefined, 300], [100, 100, 0]), 2)
  assert.equal(medianRatio([1, 2], [undefined, 0]), undefined)
})

test('cores are listed as Linux lists them', () => {
  assert.deepEqual(parseCores('0-2,5'), [0, 1, 2, 5])
  assert.deepEqual(parseCores('3'), [3])
  assert.deepEqual(parseCores(''), [])
})

test('each round begins with another one', () => {
  assert.deepEqual(rotated(['a', 'b', 'c'], 1), ['b', 'c', 'a'])
  assert.deepEqual(rotated(['a', 'b', 'c'], 3), ['a', 'b', 'c'])
  assert.deepEqual(rotated([], 2), [])
})

test('a summary has medians, ratios, and whoever failed with the reason but without paths', () => {
  const contestants = eachOnce([rondoHttpProxy, hpm, ceiling])
  const samples = new Map([
    ['rondo-http-proxy', [110, 240, 330].map((perSecond) => ({ figures: { perSecond }, errors: 0 }))],
    ['hpm', [100, 200, 300].map((perSecond) => ({ figures: { perSecond }, errors: 0 }))],
  ])
  const broken = new Map([['ceiling', 'did not start: /home/somebody/x.ts is bad']])
  const [rondo, bare, none] = summarise(small, contestants, samples, broken)
  assert.deepEqual(rondo?.figures, { perSecond: 240 })
  assert.deepEqual(rondo?.ratios, { 'vs hpm': 1.1 })
  assert.equal(bare?.ratios['vs hpm'], 1)
  assert.equal(none?.errors, 1)
  assert.equal(none?.why, 'did not start: … is bad')
})

test('tables show ratios, missing figures, who was not kept busy, and errors', () => {
  const rows = cells(FIXED)
  assert.deepEqual(rows[0], ['', 'requests/s', 'vs nginx', 'vs hpm', 'p99 ms', 'core used', 'errors'])
  assert.deepEqual(rows[1], ['Rondo', '12,346', '–', '2.00×', '1.50', '100 %', '0'])
  assert.deepEqual(rows[2], ['hpm <plain> 4.2.1', '6,173*', '–', '1.00×', '–', '50 %', '**2**'])
  const lines = terminalTable(rows).split('\n')
  assert.equal(new Set(lines.map(({ length }) => length)).size, 1)
  const page = markdown([FIXED])
  assert.match(page, /^## small: small GET$/m)
  assert.match(page, /^\|---\|--:\|/m)
  assert.match(page, /^- hpm: 2 errors, the first: it broke$/m)
  assert.match(page, /^- \\\* used less than 85 % of its core/m)
})

test('the chart has a bar for each ratio, and is the same for the same data', () => {
  const svg = chart([FIXED])
  assert.equal(svg, chart([FIXED]))
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.equal(svg.match(/rx="2"/g)?.length, 2)
  assert.match(svg, />2\.00<\/text>/)
  assert.match(svg, /hpm &lt;plain>/)
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
  assert.doesNotMatch(chart([]), /NaN|undefined|Infinity/)
})

test('results of other scenarios stay when some are measured again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-results-'))
  t.after(() => rm(folder, { recursive: true }))
  await keep(folder, 'latest', [FIXED], ['small', '10k'])
  await keep(folder, 'latest', [{ ...FIXED, name: '10k' }], ['small', '10k'])
  const page = await readFile(join(folder, 'latest.md'), 'utf8')
  assert.deepEqual(page.match(/^## \w+/gm), ['## small', '## 10k'])
  assert.match(await readFile(join(folder, 'chart.svg'), 'utf8'), /<\/svg>\n$/)
})

test('rounds end when the time is up, and one that has ended counts as an error', async () => {
  const contestant = { name: 'hpm', subject: hpm }
  const running = {
    contestant,
    origin: '',
    pid: 0,
    over: 'exit code 1',
    stop: async () => {},
    again: () => Promise.reject(new Error('not asked for')),
  }
  const plan = { rounds: 9, seconds: 1, bound: -1 }
  const samples = await measureRounds(small, [running], plan, performance.now(), () => {})
  assert.deepEqual(samples.get('hpm'), [{ figures: {}, errors: 1, why: 'ended with exit code 1' }])
})

/** Fixed data: a fast subject, and a slow one with errors. */
const FIXED: ScenarioResult = {
  name: 'small',
  title: 'small GET',
  date: '2026-01-02',
  machine: { node: 'v24.0.0', os: 'linux x64', cores: 2, pinned: true },
  load: 'wrk',
  backends: 'nginx',
  rounds: 3,
  seconds: 1,
  unit: 'request',
  better: 'more',
  figures: ['perSecond', 'p99', 'share'],
  headings: ['vs nginx', 'vs hpm'],
  rows: [
    {
      name: 'rondo-undici',
      label: 'Rondo',
      figures: { perSecond: 12_345.6, p99: 1.5, share: 0.999 },
      ratios: { 'vs hpm': 2 },
      errors: 0,
    },
    {
      name: 'hpm',
      label: 'hpm <plain>',
      version: '4.2.1',
      figures: { perSecond: 6172.8, share: 0.5 },
      ratios: { 'vs hpm': 1 },
      errors: 2,
      why: 'it broke',
    },
  ],
  notes: [],
}
