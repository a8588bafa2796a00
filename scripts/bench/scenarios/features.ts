import type { Contestant } from '../contestant.ts'
import { get } from '../exchange.ts'
import type { Settings, Subject } from '../subject.ts'
import { httpScenario } from './http.ts'

/** Each feature by what differs from Rondo with everything on but the log and stickiness. */
const VARIANTS: Readonly<Record<string, Settings>> = {
  'all on': {},
  'with log': { log: true },
  'with sticky': { sticky: true },
  'without metrics': { metrics: false },
  'without retries': { attempts: 1 },
  'all off': { balance: false },
}

export const features = httpScenario({
  name: 'features',
  title: 'cost of features: small GET, 64 connections',
  exchange: get('/small'),
  connections: 64,
  contestants: (subjects) => subjects.filter(({ name }) => name.startsWith('rondo-')).flatMap(variants),
  against: [
    { heading: 'vs all on', of: ({ subject }) => `${subject.name}, all on` },
    { heading: 'vs all off', of: ({ subject }) => `${subject.name}, all off` },
  ],
  notes: [
    'All on: as in the gateway, log off. The log goes to /dev/null. Sticky: each answer sets the cookie anew.',
    'All off: Express and the forwarder alone, workers in turn: no leases, counters, failover or metrics.',
  ],
})

function variants(subject: Subject): Contestant[] {
  return Object.entries(VARIANTS).map(([what, settings]) => ({
    name: `${subject.name}, ${what}`,
    subject,
    settings,
  }))
}
