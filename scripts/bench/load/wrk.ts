import { fileURLToPath } from 'node:url'
import { launch } from '../processes/launch.ts'
import { within } from '../processes/within.ts'
import type { HttpLoad, HttpResult } from './http-load.ts'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))
const ERRORS = ['connect', 'read', 'write', 'status', 'timeout'] as const

type Report = Readonly<
  Record<'answers' | 'micros' | 'bytes' | 'p50' | 'p99' | (typeof ERRORS)[number], number>
>

/** One thread of wrk. */
export async function wrk({ origin, exchange, connections, seconds, anew }: HttpLoad): Promise<HttpResult> {
  const { method, path, upload } = exchange
  const how = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', SCRIPT, origin]
  const running = launch(
    'wrk',
    'wrk',
    [...how, '--', method, path, String(upload), anew ? 'close' : 'keep-alive'],
    { core: 'load' },
  )
  const output = await within(seconds + 15, running)
  const json = /^JSON(.*)$/m.exec(output)?.[1]
  if (json === undefined) throw new Error(`wrk gave no result: ${output.trim().slice(-200)}`)
  const report = JSON.parse(json) as Report
  const kinds = ERRORS.filter((kind) => report[kind] > 0)
  return {
    answers: report.answers,
    seconds: report.micros / 1e6,
    bytes: report.bytes,
    p50: report.p50 / 1000,
    p99: report.p99 / 1000,
    errors: kinds.reduce((sum, kind) => sum + report[kind], 0),
    ...(kinds.length > 0 && { why: `wrk: ${kinds.map((kind) => `${report[kind]} ${kind}`).join(', ')}` }),
  }
}
