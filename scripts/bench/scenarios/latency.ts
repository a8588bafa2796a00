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
  let rate = FALLBACK
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
      const hpm = running.find(({ contestant }) => contestant.name === 'hpm')
      if (hpm) {
        const { origin } = hpm
        const { answers, seconds } = await applyLoad({
          origin,
          exchange,
          connections: CONNECTIONS,
          seconds: 1,
        })
        rate = Math.max(100, Math.round(answers / seconds / 200) * 100)
      }
      return `The rate is ${rate.toLocaleString('en')} requests a second, half of what hpm can do.`
    },
    measure: ({ origin, pid }, seconds) =>
      underLoad(pid, () => paced({ origin, exchange, rate, connections: CONNECTIONS, seconds })),
  }
}
