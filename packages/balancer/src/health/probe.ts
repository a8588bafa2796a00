import { request, type RequestOptions } from 'node:http'
import { connectTls } from '../tls-connect.ts'
import { toTls, type Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'

/** Asks a worker whether it is well: resolves when it is, throws why it isn't. `signal` ends it at its deadline. */
export type Probe = (worker: Worker, signal: AbortSignal) => Promise<void>

/**
 * `GET path`, on a connection of its own; 2xx is well. The body is read to its end, so a worker that sends its
 * head and stalls is not well. An `https:` worker's certificate is verified each time, as `tls` says.
 */
export function httpProbe(path: string, tls: Tls = toTls()): Probe {
  return (worker, signal) =>
    new Promise((resolve, reject) => {
      const { hostname, port, url } = worker
      const headers = { host: url.host, 'user-agent': 'rondo-health' }
      const connection = worker.isSecure
        ? { createConnection: secure(worker, tls, signal) }
        : { agent: false }
      const req = request({ hostname, port, path, headers, signal, ...connection }, (res) => {
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

function secure(
  worker: Worker,
  tls: Tls,
  signal: AbortSignal,
): NonNullable<RequestOptions['createConnection']> {
  return (_options, done) => void connectTls(worker, tls, { signal, resumes: false }, done)
}
