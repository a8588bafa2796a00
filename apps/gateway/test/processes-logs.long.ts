import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { halt, lines, startCrew, type Line } from './crew.ts'
import { folder, startBackend, until } from './reloading.ts'

const TIMES = 120
const LONG = 'x'.repeat(1980)

/** A line in JSON. */
interface Entry {
  readonly url: string
  readonly status: number
  readonly id: string
}

/** All that was asked is there once, in whole lines. */
function checkEntries(text: readonly string[], paths: readonly string[]): void {
  const entries = text.map((line) => JSON.parse(line) as Entry)
  assert.deepEqual(entries.map(({ url }) => url).toSorted(), paths.toSorted())
  assert.ok(entries.every(({ status }) => status === 200))
  assert.equal(new Set(entries.map(({ id }) => id)).size, entries.length)
}

suite('access logs of several processes have each line whole, and each request once,', () => {
  test('on the standard output, with long URLs, and an end right after the responses', async (t) => {
    const backend = await startBackend(t, 'backend')
    const crew = await startCrew(t, { processes: 3, workers: [backend.url], log: 'json' })
    const all = await lines(t, crew)
    const paths = Array.from({ length: TIMES * all.length }, (_, i) => `/${i}/${LONG}`)
    await Promise.all(paths.map((path, i) => (all[i % all.length] as Line).get(path)))
    const written = (): string[] =>
      crew.gateway.lines.filter((line) => line.includes('"url":"/') && line.includes(LONG))
    assert.equal(await crew.gateway.end('SIGTERM'), 0)
    checkEntries(written(), paths)
    assert.ok(crew.gateway.lines.every((line) => /^(\{.*\}$|\d{4}-\S+Z )/.test(line)))
  })

  test('in a file', async (t) => {
    const file = join(folder(t), 'access.log')
    const backend = await startBackend(t, 'backend')
    const log = { file, format: 'json' }
    const crew = await startCrew(t, { processes: 3, workers: [backend.url], log })
    const all = await lines(t, crew)
    const paths = Array.from({ length: TIMES * all.length }, (_, i) => `/${i}/${LONG}`)
    await Promise.all(paths.map((path, i) => (all[i % all.length] as Line).get(path)))
    assert.equal(await crew.gateway.end('SIGTERM'), 0)
    const text = readFileSync(file, 'utf8')
    assert.ok(text.endsWith('\n'))
    checkEntries(text.trimEnd().split('\n'), [...paths, ...all.map(() => '/')])
  })
})

test('a line that the end of its process broke off does not swallow the next one', async (t) => {
  const backend = await startBackend(t, 'backend')
  const crew = await startCrew(t, { workers: [backend.url], log: 'combined', limits: { header: '256KiB' } })
  const [first, second] = await lines(t, crew)
  assert.ok(first && second)
  // Nobody reads what the processes write, so that the pipe fills up amid a line.
  const resume = await halt(t, crew.gateway.child.pid as number)
  let answered = 0
  const referer = `http://a/${'r'.repeat(150_000)}`
  for (let i = 0; i < 20; i++)
    void second.get(`/long/${i}`, { referer }).then(
      () => answered++,
      () => {},
    )
  let [seen, since] = [0, 0]
  await until('no more is answered', () => {
    since = answered === seen ? since + 1 : 0
    seen = answered
    return answered > 0 && since > 50
  })
  process.kill(second.pid, 'SIGKILL')
  resume()
  await crew.gateway.line(/was ended by SIGKILL/)
  for (let i = 0; i < 5; i++) await first.get(`/after/${i}`)
  await crew.gateway.line(/\/after\/4/)
  const whole = /^(::ffff:)?127\.0\.0\.1 - - \[[^\]]+\] "GET \S+ HTTP\/1\.1" \d+ \S+ "[^"]*" "[^"]*"$/
  const accesses = crew.gateway.lines.filter((line) => !/^\d{4}-\S+Z /.test(line))
  const broken = accesses.filter((line) => !whole.test(line))
  assert.ok(broken.length <= 1, broken.map((line) => line.slice(0, 200)).join('\n'))
  assert.equal(accesses.filter((line) => line.includes('GET /after/') && whole.test(line)).length, 5)
})
