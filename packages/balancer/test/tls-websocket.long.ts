import { describe } from 'node:test'
import { otherUpgrades } from './contract/other-upgrades.ts'
import { upgradeTimeouts } from './contract/upgrade-timeouts.ts'
import { webSocketBytes } from './contract/web-socket-bytes.ts'
import { webSocketConformance } from './contract/web-socket-conformance.ts'
import { webSocketEnds } from './contract/web-socket-ends.ts'
import { webSockets } from './contract/web-sockets.ts'
import { forwarders } from './support/forwarders.ts'
import { workersSpeakTls } from './support/tls-workers.ts'

workersSpeakTls()

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`over TLS: WebSockets by ${name}`, () => webSockets(create))
  describe(`over TLS: ends of WebSockets by ${name}`, () => webSocketEnds(create))
  describe(`over TLS: RFC 6455 by ${name}`, () => webSocketConformance(create))
  describe(`over TLS: bytes of WebSockets by ${name}`, () => webSocketBytes(create))
  describe(`over TLS: other upgrades by ${name}`, () => otherUpgrades(create))
  describe(`over TLS: timeouts of upgrades by ${name}`, () => upgradeTimeouts(create))
}
