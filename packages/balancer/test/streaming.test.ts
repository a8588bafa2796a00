import { describe } from 'node:test'
import { aborts } from './contract/aborts.ts'
import { streaming } from './contract/streaming.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, create] of Object.entries(forwarders)) {
  describe(`streaming by ${name}`, () => streaming(create))
  describe(`clients that leave ${name}`, () => aborts(create))
}
