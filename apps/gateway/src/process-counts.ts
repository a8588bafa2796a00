import type { OwnCount } from '@rondo/balancer'

/** For metrics: how many processes serve, how many ended untold, and how often an event loop stood still. */
export function processCounts(serving: number, falls: number, stalls: number): OwnCount[] {
  const alone = (value: number): OwnCount['values'] => [{ labels: {}, value }]
  return [
    { name: 'rondo_processes', help: 'Processes that serve', type: 'gauge', values: alone(serving) },
    { name: 'rondo_process_falls', help: 'Processes that ended, not told to', values: alone(falls) },
    {
      name: 'rondo_process_stalls',
      help: 'Event loops that stood still for a second',
      values: alone(stalls),
    },
  ]
}
