import { describe } from 'node:test'
import { pipelining } from './contract/pipelining.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`pipelined requests through ${name}`, () => pipelining(create))
