import { get } from '../exchange.ts'
import { eachOnce } from '../scenario.ts'
import { httpScenario } from './http.ts'

export const tls = httpScenario({
  name: 'tls',
  title: 'small GET over TLS from the client, 64 connections',
  exchange: get('/small'),
  connections: 64,
  tls: true,
  contestants: (subjects) => eachOnce(subjects.filter(({ carries }) => carries.includes('tls'))),
  notes: ['Connections are kept: this is the cost of encryption, not of handshakes.'],
})
