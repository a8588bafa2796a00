import { describe } from 'node:test'
import { keepAlive } from './contract/keep-alive.ts'
import { terms } from './contract/terms.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`terms of attempts by ${name}`, () => terms(create))
  describe(`connections kept by ${name}`, () => keepAlive(create))
}
