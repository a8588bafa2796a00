import { verify, type Exchange } from '../exchange.ts'
import { applyLoad, loadedBy } from '../load/http-load.ts'
import { underLoad } from '../processes/under-load.ts'
import { eachOnce, nginxAndHpm, type Scenario } from '../scenario.ts'

/** What distinguishes a scenario of requests and answers at full load. */
export interface HttpScenarioOptions extends Partial<Scenario> {
  readonly name: string
  readonly title: string
  readonly exchange: Exchange
  readonly connections: number
}

/** Requests as fast as `connections` can, each of which waits for its answer before it asks again. */
export function httpScenario({ exchange, connections, ...rest }: HttpScenarioOptions): Scenario {
  return {
    figures: ['perSecond', 'p99', 'cpu', 'share', 'rss'],
    better: 'more',
    unit: 'request',
    backends: { count: 3, onlyFixed: exchange.method === 'GET' },
    contestants: eachOnce,
    against: nginxAndHpm,
    verify: (origin, { subject }) => verify(origin, exchange, subject.answersItself),
    warmUp: async ({ origin }) => void (await applyLoad({ origin, exchange, connections, seconds: 1 })),
    measure: ({ origin, pid }, seconds) =>
      underLoad(pid, () => loadedBy({ origin, exchange, connections, seconds })),
    ...rest,
  }
}
