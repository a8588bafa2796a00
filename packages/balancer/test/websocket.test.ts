import { describe } from 'node:test'
import { webSocketEnds } from './contract/web-socket-ends.ts'
import { webSockets } from './contract/web-sockets.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`WebSockets by ${name}`, () => webSockets(create))
  describe(`ends of WebSockets by ${name}`, () => webSocketEnds(create))
}
