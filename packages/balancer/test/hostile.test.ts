import { describe } from 'node:test'
import { connections } from './contract/connections.ts'
import { hostileWorkers } from './contract/hostile-workers.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`connections to ${name}`, () => connections(create))
  describe(`hostile workers of ${name}`, () => hostileWorkers(create))
}
