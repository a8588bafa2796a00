import { describe } from 'node:test'
import { otherUpgrades } from './contract/other-upgrades.ts'
import { webSocketBytes } from './contract/web-socket-bytes.ts'
import { webSocketConformance } from './contract/web-socket-conformance.ts'
import { webSocketEnds } from './contract/web-socket-ends.ts'
import { webSockets } from './contract/web-sockets.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`WebSockets by ${name}`, () => webSockets(create))
  describe(`ends of WebSockets by ${name}`, () => webSocketEnds(create))
  describe(`RFC 6455 by ${name}`, () => webSocketConformance(create))
  describe(`bytes of WebSockets by ${name}`, () => webSocketBytes(create))
  describe(`other upgrades by ${name}`, () => otherUpgrades(create))
}
