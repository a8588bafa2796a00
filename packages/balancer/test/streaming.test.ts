import { describe } from 'node:test'
import { aborts } from './contract/aborts.ts'
import { streaming } from './contract/streaming.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create, lacks }] of Object.entries(forwarders)) {
  describe(`streaming by ${name}`, () => streaming(create, lacks))
  describe(`clients that leave ${name}`, () => aborts(create))
}
