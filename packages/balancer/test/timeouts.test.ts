import { describe } from 'node:test'
import { timeouts } from './contract/timeouts.ts'
import { upgradeTimeouts } from './contract/upgrade-timeouts.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`timeouts of ${name}`, () => timeouts(create))
  describe(`timeouts of upgrades by ${name}`, () => upgradeTimeouts(create))
}
