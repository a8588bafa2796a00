import { describe } from 'node:test'
import { fuzz } from './contract/fuzz.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`any byte through ${name}`, () => fuzz(create))
