import { request } from 'node:http'
import { toTls } from '../tls.ts'
import type { Worker } from '../worker.ts'
import { connectProbe, type Way } from './connect.ts'

/** Asks a worker whether it is well: resolves when it is, throws why it isn't. `signal` ends it at its deadline. */
export type Probe = (worker: Worker, signal: AbortSignal) => Promise<void>

/**
 * `GET path`, on a connection of its own; 2xx is well. The body is read to its end, so a worker that sends its
 * head and stalls is not well. An `https:` or `tls:` worker's certificate is verified each time.
 */
export function httpProbe(path: string, way: Way = { tls: toTls() }): Probe {
  return (worker, signal) =>
    new Promise((resolve, reject) => {
      const { port = worker.port } = way
      const host = way.port === undefined ? worker.host : `${worker.url.hostname}:${port}`
      const headers = { host, 'user-agent': 'rondo-health' }
      const req = request({
        path,
        headers,
        signal,
        createConnection(_options, done) {
          connectProbe(worker, way, signal, done)
          return undefined
        },
      })
      req.on('response', (res) => {
        const status = res.statusCode ?? 0
        if (status >= 200 && status <= 299) res.on('end', resolve)
        else res.on('end', () => reject(new Error(`GET ${path} answered ${status}`)))
        res.on('error', reject)
        res.resume()
      })
      req.on('upgrade', (_res, socket) => {
        socket.destroy()
        reject(new Error(`GET ${path} answered 101`))
      })
      req.on('error', reject)
      req.end()
    })
}
