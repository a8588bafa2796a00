import { describe } from 'node:test'
import { connections } from './contract/connections.ts'
import { hostileClients } from './contract/hostile-clients.ts'
import { hostileWorkers } from './contract/hostile-workers.ts'
import { oddAnswers } from './contract/odd-answers.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create, lacks }] of Object.entries(forwarders)) {
  describe(`hostile clients of ${name}`, () => hostileClients(create, lacks))
  describe(`connections to ${name}`, () => connections(create))
  describe(`odd answers through ${name}`, () => oddAnswers(create, lacks))
  describe(`hostile workers of ${name}`, () => hostileWorkers(create))
}
