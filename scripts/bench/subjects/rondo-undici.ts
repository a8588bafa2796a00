import { undici } from '@rondo/balancer/undici'
import type { Opened, Place, Subject } from '../subject.ts'
import { openRondo } from './rondo.ts'

/** Rondo with its fast forwarder. */
export const rondoUndici: Subject = {
  name: 'rondo-undici',
  label: 'Rondo, undici forwarder',
  carries: ['websocket', 'tls'],
  start: { kind: 'script', file: import.meta.url },
}

export function open(place: Place): Promise<Opened> {
  return openRondo(place, undici())
}
