import { describe } from 'node:test'
import { aborts } from './contract/aborts.ts'
import { connections } from './contract/connections.ts'
import { draining } from './contract/draining.ts'
import { exchange } from './contract/exchange.ts'
import { failover } from './contract/failover.ts'
import { hostileWorkers } from './contract/hostile-workers.ts'
import { keepAlive } from './contract/keep-alive.ts'
import { regressions } from './contract/regressions.ts'
import { streaming } from './contract/streaming.ts'
import { terms } from './contract/terms.ts'
import { timeouts } from './contract/timeouts.ts'
import { forwarders } from './support/forwarders.ts'
import { workersSpeakTls } from './support/tls-workers.ts'

workersSpeakTls()

for (const [name, { create, lacks }] of Object.entries(forwarders)) {
  describe(`over TLS: forwarding by ${name}`, () => exchange(create))
  describe(`over TLS: terms of attempts by ${name}`, () => terms(create))
  describe(`over TLS: connections kept by ${name}`, () => keepAlive(create))
  describe(`over TLS: streaming by ${name}`, () => streaming(create, lacks))
  describe(`over TLS: clients that leave ${name}`, () => aborts(create))
  describe(`over TLS: timeouts of ${name}`, () => timeouts(create))
  describe(`over TLS: connections to ${name}`, () => connections(create))
  describe(`over TLS: hostile workers of ${name}`, () => hostileWorkers(create))
  describe(`over TLS: failover by ${name}`, () => failover(create))
  describe(`over TLS: drains by ${name}`, () => draining(create))
  describe(`over TLS: regressions by ${name}`, () => regressions(create))
}
