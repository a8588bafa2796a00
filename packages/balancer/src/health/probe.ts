import { request } from 'node:http'
import type { Worker } from '../worker.ts'

/** Asks a worker whether it is well: resolves when it is, throws why it isn't. `signal` ends it at its deadline. */
export type Probe = (worker: Worker, signal: AbortSignal) => Promise<void>

/**
 * `GET path`, on a connection of its own; 2xx is well. The body is read to its end, so a worker that sends its
 * head and stalls is not well.
 */
export function httpProbe(path: string): Probe {
  return (worker, signal) =>
    new Promise((resolve, reject) => {
      const { hostname, port, url } = worker
      const headers = { host: url.host, 'user-agent': 'rondo-health' }
      const options = { hostname, port, path, headers, agent: false, signal }
      const req = request(options, (res) => {
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
