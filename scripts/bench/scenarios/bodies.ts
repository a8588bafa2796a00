import { get, post } from '../exchange.ts'
import { httpScenario } from './http.ts'

export const tenK = httpScenario({
  name: '10k',
  title: 'GET of 10 KB, 64 connections',
  exchange: get('/10k'),
  connections: 64,
})

export const oneM = httpScenario({
  name: '1m',
  title: 'GET of 1 MB, 16 connections',
  exchange: get('/1m'),
  connections: 16,
})

export const post16k = httpScenario({
  name: 'post-16k',
  title: 'POST of 16 KB, 64 connections',
  exchange: post(16 * 1024),
  connections: 64,
})
