import { describe } from 'node:test'
import { faults } from './contract/faults.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`faults of workers behind ${name}`, () => faults(create))
