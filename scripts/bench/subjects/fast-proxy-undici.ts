import type { Opened, Place, Subject } from '../subject.ts'
import { openFastProxy } from './fast-proxy.ts'

/**
 * fast-proxy in its undici mode, the fastest there is of it, on a plain `http.Server`. Without the pipelining that
 * its readme turns on: a slow answer would hold up all that wait behind it on its connection.
 */
export const fastProxyUndici: Subject = {
  name: 'fast-proxy-undici',
  label: 'fast-proxy, undici mode',
  carries: ['tls'],
  start: { kind: 'script', file: import.meta.url, package: 'fast-proxy' },
}

export function open(place: Place): Opened {
  return openFastProxy(place, { undici: true })
}
