import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { WebSocket, type ClientOptions } from 'ws'
import type { Authority, Certificate } from '../../../packages/balancer/test/support/certificates.ts'

/** What came back over https. */
export interface SecureAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Of the server's certificate. */
  readonly serial: string
  readonly protocol: string | null
}

type Options = Omit<RequestOptions, 'headers'> & {
  headers?: OutgoingHttpHeaders
  body?: string
  session?: Buffer
}

/** By connection: Node's clients give the certificate out once only. */
const serials = new WeakMap<TLSSocket, string>()

/** A request to 127.0.0.1 for a name, on a connection of its own where no agent is given. */
export function askSecurely(
  port: number,
  servername: string,
  { body, headers, ...options }: Options = {},
): Promise<SecureAnswer> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, servername, agent: false as const }
    const req = request({ ...to, ...options, headers: { host: servername, ...headers } }, (res) => {
      const socket = res.socket as TLSSocket
      const serial = serials.get(socket) ?? socket.getPeerX509Certificate()?.serialNumber ?? ''
      serials.set(socket, serial)
      const protocol = socket.getProtocol()
      let text = ''
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      res.on('error', reject).on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text, serial, protocol })
      })
    })
    req.on('error', reject).end(body)
  })
}

/** The serial number of the certificate that a new handshake shows; without a name where none is given. */
export async function serialAt(
  port: number,
  servername = '',
  options: ConnectionOptions = {},
): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerX509Certificate()?.serialNumber ?? ''
  } finally {
    socket.destroy()
  }
}

/** A WebSocket to 127.0.0.1 for `a.test`. */
export function wss(port: number, options: ClientOptions & ConnectionOptions): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${port}/`, { ...options, servername: 'a.test' } as ClientOptions)
}

/** The serial number of a certificate. */
export function serialOf({ certFile }: Certificate): string {
  const text = execFileSync('openssl', ['x509', '-noout', '-serial', '-in', certFile], { encoding: 'utf8' })
  return text.trim().replace('serial=', '')
}

/** A certificate of its own signing, with an RSA key, which is encrypted where a passphrase is given. */
export function issueRsa({ folder }: Authority, name: string, passphrase?: string): Certificate {
  const [certFile, keyFile] = [join(folder, `rsa-${name}.pem`), join(folder, `rsa-${name}.key`)]
  const lock = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`]
  const made = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '30']
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...lock, ...made, ...files], {
    stdio: 'pipe',
  })
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

/** The files of a certificate as a config names them. */
export function pairOf({ certFile, keyFile }: Certificate): { cert: string; key: string } {
  return { cert: certFile, key: keyFile }
}
