import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { suite, test } from 'node:test'
import { lineOf } from '../src/config/fault.ts'
import { parse } from '../src/config/load.ts'
import { tooManyProcesses } from '../src/config/processes.ts'
import { readSource } from '../src/config/source.ts'

const CORES = availableParallelism()

suite('processes', () => {
  for (const [text, expected, env = {}] of [
    ['', 1],
    ['processes: 1', 1],
    ['processes: 4', 4],
    ['processes: 256', 256],
    ['processes: auto', CORES],
    ['{"processes": "auto"}', CORES],
    ['processes: ${N}', 3, { N: '3' }],
    ['processes: ${N:-auto}', CORES],
    ['', 4, { PROCESSES: '4' }],
    ['', CORES, { PROCESSES: 'auto' }],
    ['processes: auto', 256, { PROCESSES: '256' }],
    ['processes: 3', CORES, { PROCESSES: 'auto' }],
    ['processes: 3', 1, { PROCESSES: '1' }],
  ] as const satisfies readonly (readonly [string, number, NodeJS.ProcessEnv?])[])
    test(`${JSON.stringify(text)} with ${JSON.stringify(env)} are ${expected}`, () => {
      assert.equal(parse('f', text, env).config.processes, expected)
    })

  for (const PROCESSES of [
    '',
    '0',
    '000',
    '-1',
    '1.5',
    '1e2',
    ' 2',
    'four',
    'Auto',
    'true',
    'null',
    '257',
    '1000',
  ])
    test(`are not what PROCESSES=${PROCESSES} says`, () => {
      assert.throws(() => parse('f', '', { PROCESSES }), {
        name: 'OptionError',
        message: `PROCESSES: ${JSON.stringify(PROCESSES)} is no number of processes; give "auto", or a whole number from 1 to 256`,
      })
    })

  test('stand in what is shown in its own words, with what the environment sets', () => {
    assert.deepEqual(parse('f', 'processes: auto', {}).config.written, { processes: 'auto' })
    assert.deepEqual(parse('f', 'processes: auto', { PROCESSES: '4' }).config.written, { processes: 4 })
  })
})

suite('a warning of processes', () => {
  const warned = (processes: number | 'auto' | undefined, cores: number): string[] =>
    tooManyProcesses({ processes }, readSource(`listen: 80\nprocesses: ${processes}\n`, {}), cores).map(
      (fault) => lineOf('f', fault),
    )

  for (const [processes, cores, most] of [
    [3, 1, 2],
    [9, 4, 8],
    [256, 127, 254],
  ] as const)
    test(`names the cores and the mend: ${processes} on ${cores}`, () => {
      assert.deepEqual(warned(processes, cores), [
        `f:2:12: processes: ${processes} is more than twice the number of cores, which is ${cores}: they take time and memory from each other; use auto, or ${most} at most`,
      ])
    })

  for (const [processes, cores] of [
    [undefined, 1],
    ['auto', 1],
    [1, 1],
    [2, 1],
    [8, 4],
    [256, 128],
  ] as const)
    test(`is not given for ${processes} on ${cores}`, () => {
      assert.deepEqual(warned(processes, cores), [])
    })
})
