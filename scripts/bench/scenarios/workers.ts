import type { Contestant } from '../contestant.ts'
import { get } from '../exchange.ts'
import { applyLoad } from '../load/http-load.ts'
import type { Subject } from '../subject.ts'
import { httpScenario } from './http.ts'

const COUNTS = [3, 100, 1000] as const
const MEASURED = ['rondo-undici', 'rondo-http-proxy', 'hpm']
const exchange = get('/small')
const connections = 64

export const workers = httpScenario({
  name: 'workers',
  title: 'growth with workers: small GET, 64 connections',
  exchange,
  connections,
  backends: { count: Math.max(...COUNTS), onlyFixed: true },
  fresh: true, // probes for a thousand workers would be felt by the others
  around: 3.2,
  // Until every worker has its connections.
  warmUp: async ({ origin }) => void (await applyLoad({ origin, exchange, connections, seconds: 2 })),
  contestants: (subjects) => subjects.filter(({ name }) => MEASURED.includes(name)).flatMap(bySize),
  against: [{ heading: `vs ${COUNTS[0]} workers`, of: ({ subject }) => row(subject, COUNTS[0]) }],
  notes: ['Workers are addresses of one backend process, each polled for its health by Rondo.'],
})

function bySize(subject: Subject): Contestant[] {
  return COUNTS.map((workers) => ({ name: row(subject, workers), subject, workers }))
}

function row({ name }: Subject, count: number): string {
  return `${name}, ${count.toLocaleString('en')} workers`
}
