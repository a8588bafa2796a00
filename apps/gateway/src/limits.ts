import type { IncomingMessage, ServerOptions } from 'node:http'
import { HttpError } from '@rondo/balancer'

/**
 * So many header fields a request may have. Servers in Node take 1,000, and some versions drop silently what comes
 * after: the balancer's own fields, which come last, must never be among those.
 */
export const MOST_HEADERS = 500

/** What a client may take in time and space before it is known what it wants. */
export const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 10_000, // for a whole head: who trickles it holds a connection no longer
  connectionsCheckingInterval: 1000, // by Node's 30 s those 10 s might be 40
  requestTimeout: 0, // an honest upload may take longer than any bound; one that stalls is the balancer's to end
  keepAliveTimeout: 65_000, // above the 60 s after which other balancers in front close theirs
  requireHostHeader: false, // the balancer's to refuse: behind Node's own 400, what was pipelined is served
  keepAlive: true, // of TCP: finds clients that are gone without a word, in WebSockets too
  keepAliveInitialDelay: 60_000,
}

/** The error for a request with too many header fields. */
export function headersRefusal(req: IncomingMessage): HttpError | undefined {
  if (req.rawHeaders.length <= 2 * MOST_HEADERS) return undefined
  return new HttpError(431, 'the request has too many header fields', { headers: { Connection: 'close' } })
}
