import type { Running } from '../contestant.ts'
import { get, verify } from '../exchange.ts'
import { applyLoad } from '../load/http-load.ts'
import { paced } from '../load/paced.ts'
import { underLoad } from '../processes/under-load.ts'
import { eachOnce, nginxAndHpm, type Scenario } from '../scenario.ts'

const exchange = get('/small')
const CONNECTIONS = 64
/** Requests a second where bare http-proxy-middleware isn't there to tell what the machine can do. */
const FALLBACK = 1000

/** Time to the answer at a fixed rate, at which bare http-proxy-middleware is half busy. */
export function latency(): Scenario {
  let rate = 0
  return {
    name: 'latency',
    title: 'latency at a fixed rate, small GET',
    figures: ['p99', 'p50', 'p999', 'perSecond', 'share'],
    better: 'less',
    unit: 'request',
    backends: { count: 3, onlyFixed: true },
    contestants: eachOnce,
    against: nginxAndHpm,
    verify: (origin, { subject }) => verify(origin, exchange, subject.answersItself),
    warmUp: async ({ origin }) =>
      void (await applyLoad({ origin, exchange, connections: CONNECTIONS, seconds: 1 })),
    prepare: async (running) => {
      const pace = await halfOfHpm(running)
      rate = pace.rate
      return pace.note
    },
    measure: ({ origin, pid }, seconds) =>
      underLoad(pid, () => paced({ origin, exchange, rate, connections: CONNECTIONS, seconds })),
  }
}

/** The rate at which bare http-proxy-middleware is half busy, in requests a second, and what to say of it. */
export async function halfOfHpm(running: readonly Running[]): Promise<{ rate: number; note: string }> {
  const hpm = running.find(({ contestant }) => contestant.subject.name === 'hpm')
  if (!hpm) return { rate: FALLBACK, note: `The rate is ${FALLBACK.toLocaleString('en')} requests a second.` }
  const { origin } = hpm
  const { answers, seconds } = await applyLoad({ origin, exchange, connections: CONNECTIONS, seconds: 1 })
  const rate = Math.max(100, Math.round(answers / seconds / 200) * 100)
  return {
    rate,
    note: `The rate is ${rate.toLocaleString('en')} requests a second, half of what hpm can do.`,
  }
}
