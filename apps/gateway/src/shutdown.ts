import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'

/** How often connections that have become idle are looked for while the server closes, in ms. */
const SWEEP = 50

/** So long handshakes that have begun may go on then, in ms: a request may follow. */
const HANDSHAKES = 1000

/**
 * Makes `server` closable without loss. The returned function stops accepting and resolves with `true` once what
 * is in flight has ended, WebSockets too, or with `false` after `bound` ms, when the rest is cut. Idle connections may
 * bring one more request each for `idle` ms: a client does not know that its connection is about to be closed.
 * `cutHandshakes` cuts connections that are not yet known to `server` as they are still to be secured.
 */
export function gracefully(
  server: Server,
  cutHandshakes = (): void => {},
): (bound: number, idle?: number) => Promise<boolean> {
  const responses = new Set<ServerResponse>()
  const upgraded = new Set<Duplex>()
  let closing = false

  server.prependListener('request', (_req, res) => {
    if (closing) res.shouldKeepAlive = false
    responses.add(res)
    res.once('close', () => responses.delete(res))
  })
  server.prependListener('upgrade', (_req, socket) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
  })

  return (bound, idle = 0) =>
    new Promise((resolve) => {
      closing = true
      for (const res of responses) res.shouldKeepAlive = false // told to the client, so it sends nothing more
      let sweep: NodeJS.Timeout | undefined
      const letGo = setTimeout(() => {
        server.closeIdleConnections()
        sweep = setInterval(() => server.closeIdleConnections(), SWEEP)
      }, idle)
      const handshakes = setTimeout(cutHandshakes, HANDSHAKES)
      let whole = true
      const deadline = setTimeout(() => {
        whole = false
        cutHandshakes()
        server.closeAllConnections()
        for (const socket of upgraded) socket.destroy()
      }, bound)
      const end = (): void => {
        clearTimeout(letGo)
        clearInterval(sweep)
        clearTimeout(handshakes)
        clearTimeout(deadline)
        resolve(whole)
      }
      if (idle === 0) server.close(end)
      else NetServer.prototype.close.call(server, end) // the HTTP server's own closes idle connections at once
    })
}
