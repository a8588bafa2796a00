import { describe } from 'node:test'
import { churn } from './contract/churn.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`a pool that changes under load, by ${name}`, () => churn(create))
