import { httpProxy } from '@rondo/balancer'
import type { Opened, Place, Subject } from '../subject.ts'
import { openRondo } from './rondo.ts'

/** Rondo with its default forwarder. */
export const rondoHttpProxy: Subject = {
  name: 'rondo-http-proxy',
  label: 'Rondo, http-proxy forwarder',
  carries: ['websocket', 'tls'],
  start: { kind: 'script', file: import.meta.url },
}

export function open(place: Place): Promise<Opened> {
  return openRondo(place, httpProxy())
}
