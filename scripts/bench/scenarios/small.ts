import { get } from '../exchange.ts'
import { httpScenario } from './http.ts'

export const small = httpScenario({
  name: 'small',
  title: 'small GET, 64 connections',
  exchange: get('/small'),
  connections: 64,
})

export const small1000 = httpScenario({
  name: 'small-1000',
  title: 'small GET, 1,000 connections',
  exchange: get('/small'),
  connections: 1000,
})
