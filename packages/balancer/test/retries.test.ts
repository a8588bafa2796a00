import { describe } from 'node:test'
import { retries } from './contract/retries.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`retries by ${name}`, () => retries(create))
