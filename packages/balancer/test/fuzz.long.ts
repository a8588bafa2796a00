import { describe } from 'node:test'
import { fuzzRequests } from './contract/fuzz-requests.ts'
import { fuzzResponses } from './contract/fuzz-responses.ts'
import { fuzzUpgrades } from './contract/fuzz-upgrades.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`made-up bytes through ${name}`, () => {
    fuzzRequests(create)
    fuzzResponses(create)
    fuzzUpgrades(create)
  })
