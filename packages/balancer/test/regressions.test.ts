import { describe } from 'node:test'
import { regressions } from './contract/regressions.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`what was found in ${name}`, () => regressions(create))
