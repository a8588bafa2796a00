import type { OwnCount } from '@rondo/balancer'
import type { Frontend } from './frontend.ts'
import { urlOf } from './listeners.ts'

/** How many connections listeners have refused, for metrics. */
export function refusalsOf({ listeners, tcp }: Pick<Frontend, 'listeners' | 'tcp'>): OwnCount {
  const values = [...listeners, ...tcp].flatMap((listener) =>
    Array.from(listener.served.refusals, ([kind, value]) => ({
      labels: { listener: urlOf(listener), kind },
      value,
    })),
  )
  return {
    name: 'rondo_connections_refused',
    help: 'Connections that listeners have refused, by why',
    values,
  }
}
