import { describe } from 'node:test'
import { faults } from './contract/faults.ts'
import { forwarders } from './support/forwarders.ts'
import { workersSpeakTls } from './support/tls-workers.ts'

workersSpeakTls()

for (const [name, { create }] of Object.entries(forwarders))
  describe(`over TLS: faults of workers behind ${name}`, () => faults(create))
