import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createTask, getTasks, parse } from 'node-cron'
import { checkSchedule, smallestGap } from './schedule.ts'

process.env['TZ'] = 'UTC' // a day of the walk below has 24 hours

suite('the smallest gap', () => {
  for (const [expression, seconds] of [
    ['* * * * * *', 1],
    ['*/2 * * * * *', 2],
    ['*/30 * * * * *', 30],
    ['*/7 * * * * *', 4], // …, 56, then 0
    ['*/40 * * * * *', 20],
    ['* * * * *', 60],
    ['*/5 * * * *', 300],
    ['*/45 * * * *', 900],
    ['0,59 * * * * *', 1],
    ['5,20 * * * * *', 15],
    ['0,*/2 * * * * *', 2], // names second 0 twice
    ['10-20/5,15-30/5 * * * * *', 5],
    ['30 0 * * * *', 3600],
    ['0 0 6,20 * * *', 10 * 3600],
    ['0 0 22,2 * * *', 4 * 3600], // over midnight
    ['0 0 0 * * *', 86_400],
    ['0 0 0 1 1 *', 86_400],
    ['*/5 30 12 * * mon', 5],
    ['@hourly', 3600],
  ] as const)
    test(`of "${expression}" is ${seconds} s`, () => assert.equal(smallestGap(expression), seconds * 1000))

  test('is what a walk over a day of ticks finds', () => {
    const number = (max: number) => fc.nat(max).map(String)
    const range = (max: number) =>
      fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
    const step = (max: number, least: number) => fc.integer({ min: least, max }).map((n) => `*/${n}`)
    const few = (max: number) =>
      fc.oneof(
        fc.array(number(max), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
        step(max, Math.ceil(max / 3)),
        fc.tuple(range(max), fc.integer({ min: 9, max: 20 })).map(([part, n]) => `${part}/${n}`),
      )
    const seconds = fc.oneof(few(59), fc.constant('*'), step(59, 1), range(59))

    fc.assert(
      fc.property(seconds, few(59), few(23), (second, minute, hour) => {
        const expression = `${second} ${minute} ${hour} * * *`
        const fields = parse(expression)
        const ticks = fields.second.length * fields.minute.length * fields.hour.length
        fc.pre(ticks <= 400)
        assert.equal(smallestGap(expression), walk(expression, ticks + 1))
      }),
      { numRuns: 60 },
    )
  })
})

/** The shortest time between two of so many ticks in a row. */
function walk(expression: string, ticks: number): number {
  const task = createTask(expression, () => {})
  const times = task.getNextRuns(ticks).map(Number)
  void task.destroy()
  return Math.min(...times.slice(1).map((time, i) => time - (times[i] as number)))
}

suite('a schedule', () => {
  for (const good of ['* * * * *', '*/2 * * * * *', '0 0 * * mon#2', '0 0 0 L * *', '@daily'])
    test(`may be "${good}"`, () => checkSchedule('schedule', good))

  for (const bad of [
    '',
    ' ',
    'every 2 s',
    '* * * *',
    '* * * * * * *',
    '60 * * * * *',
    '*/0 * * * * *',
    '*/0.5 * * * * *',
    '-1 * * * * *',
    '0 0 24 * * *',
    '0 0 0 31 2 *',
    '0 0 0 L-30 2 *', // would be the -2nd of February
    '0 0 0 31W 4 *',
  ])
    test(`may not be "${bad}": the error names option, value and mend`, () => {
      assert.throws(
        () => checkSchedule('health.schedule', bad),
        (error: Error) => {
          assert.equal(error.name, 'OptionError')
          assert.ok(error.message.startsWith(`health.schedule: ${JSON.stringify(bad)} `), error.message)
          assert.match(error.message, /write a cron expression such as "\*\/2 \* \* \* \* \*"/)
          return true
        },
      )
    })

  for (const bad of [2000, null, undefined, {}, ['* * * * *']])
    test(`may not be ${JSON.stringify(bad)}, which is no string`, () => {
      assert.throws(
        () => checkSchedule('health.schedule', bad),
        /^OptionError: health\.schedule: .* is not a schedule/,
      )
    })

  test('leaves no task behind when it was checked', () => {
    const before = getTasks().size
    checkSchedule('schedule', '* * * * *')
    assert.throws(() => checkSchedule('schedule', '0 0 0 L-30 2 *'))
    assert.equal(getTasks().size, before)
  })
})
