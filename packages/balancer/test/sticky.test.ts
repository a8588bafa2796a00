import { describe } from 'node:test'
import { forwarders } from './support/forwarders.ts'
import { sessions } from './contract/sessions.ts'
import { sessionsOnTheMove } from './contract/sessions-on-the-move.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`sessions by ${name}`, () => sessions(create))
  describe(`sessions on the move by ${name}`, () => sessionsOnTheMove(create))
}
