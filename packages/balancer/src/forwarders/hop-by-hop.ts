import type { IncomingHttpHeaders } from 'node:http'

/** Meant for one connection, not for the next (RFC 9110, 7.6.1), and `Proxy`, which CGI workers would obey. */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]
const IS_HOP_BY_HOP = new Set(HOP_BY_HOP)
/** What a `Connection` header may not strip: without these a message would mean something else. */
const KEPT = new Set(['content-length', 'host', 'transfer-encoding'])

/**
 * The headers without the hop-by-hop ones and those that `Connection` names. Framing stays: it is re-made from them.
 * A copy, since an object that properties were deleted from is slow ever after.
 */
export function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = connectionTokens(headers.connection)
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) if (!IS_HOP_BY_HOP.has(name) && !named?.has(name)) kept[name] = headers[name]
  return kept
}

/** The headers that `Connection` names, a list where it was repeated; undefined for what nearly all say. */
export function connectionTokens(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  const tokens = String(connection)
    .split(',')
    .map((token) => token.trim().toLowerCase())
  return new Set(tokens.filter((name) => !KEPT.has(name)))
}
