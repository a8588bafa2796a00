import { describe } from 'node:test'
import { draining } from './contract/draining.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`taking out of service by ${name}`, () => draining(create))
