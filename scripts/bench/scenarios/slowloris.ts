import type { Contestant } from '../contestant.ts'
import { get, verify } from '../exchange.ts'
import { hold } from '../load/hold.ts'
import { applyLoad } from '../load/http-load.ts'
import { paced } from '../load/paced.ts'
import { underLoad } from '../processes/under-load.ts'
import type { Scenario } from '../scenario.ts'
import type { Subject } from '../subject.ts'
import { halfOfHpm } from './latency.ts'

const SUBJECTS = ['rondo-http-proxy', 'rondo-undici', 'hpm', 'nginx']
const SLOW = 1000
const CONNECTIONS = 64

const exchange = get('/small')

/** What clients that trickle their heads cost the honest ones: time to the answer at a fixed rate, with them and without. */
export function slowloris(): Scenario {
  let rate = 0
  return {
    name: 'slowloris',
    title: `latency with ${SLOW.toLocaleString('en')} clients that never finish a head, small GET`,
    figures: ['p99', 'p50', 'p999', 'perSecond', 'share'],
    better: 'less',
    unit: 'request',
    backends: { count: 3, onlyFixed: true },
    around: 1,
    contestants: (subjects) => subjects.filter(({ name }) => SUBJECTS.includes(name)).flatMap(quietAndBeset),
    against: [{ heading: 'vs quiet', of: ({ subject }) => `${subject.name}, quiet` }],
    notes: ['Each slow client sends about a byte a second, and comes again when it was sent away.'],
    verify: (origin, { subject }) => verify(origin, exchange, subject.answersItself),
    warmUp: async ({ origin }) =>
      void (await applyLoad({ origin, exchange, connections: CONNECTIONS, seconds: 1 })),
    prepare: async (running) => {
      const pace = await halfOfHpm(running)
      rate = pace.rate
      return pace.note
    },
    measure: async ({ origin, pid, contestant }, seconds) => {
      const slow = contestant.held && (await hold(origin, contestant.held))
      try {
        await slow?.open(SLOW)
        return await underLoad(pid, () =>
          paced({ origin, exchange, rate, connections: CONNECTIONS, seconds }),
        )
      } finally {
        await slow?.close()
      }
    },
  }
}

function quietAndBeset(subject: Subject): Contestant[] {
  return [
    { name: `${subject.name}, quiet`, subject },
    { name: `${subject.name}, beset`, subject, held: 'heads' },
  ]
}
