import { describe } from 'node:test'
import { tlsClients } from './contract/tls-clients.ts'
import { tlsConnections } from './contract/tls-connections.ts'
import { tlsHandshakes } from './contract/tls-handshakes.ts'
import { tls } from './contract/tls.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`workers over TLS by ${name}`, () => tls(create))
  describe(`handshakes of ${name}`, () => tlsHandshakes(create))
  describe(`connections over TLS by ${name}`, () => tlsConnections(create))
  describe(`clients over TLS of ${name}`, () => tlsClients(create))
}
