import type { IncomingMessage } from 'node:http'

/** Whether the method is one that `Max-Forwards` holds for. */
export function isCounted(method: string | undefined): boolean {
  return method === 'OPTIONS' || method === 'TRACE'
}

/**
 * How many more servers a request may pass behind this one, by its `Max-Forwards` (RFC 9110, 7.6.2); -1 if this is the
 * last. Undefined where it doesn't hold: for other methods, and for what is no number.
 */
export function hopsLeft({ method, headers }: IncomingMessage): number | undefined {
  const hops = headers['max-forwards']
  if (typeof hops !== 'string' || !isCounted(method) || !/^\d{1,9}$/.test(hops)) return undefined
  return Number(hops) - 1
}
