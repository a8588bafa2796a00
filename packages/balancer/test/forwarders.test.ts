import { describe } from 'node:test'
import { exchange } from './contract/exchange.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`forwarding by ${name}`, () => exchange(create))
