import type { PoolOptions, TlsOptions, WorkerSpec } from '@rondo/balancer'
import { readAddress, type Address } from './address.ts'
import { toCertificate, type Certificate, type PairFile } from './certificates.ts'
import type { Path } from './fault.ts'
import type { Files } from './files.ts'
import type { ListenerFile } from './listen-schema.ts'
import { DEFAULT_POOL, isDefaultRouted, listenFilesOf, poolFilesOf } from './pool-files.ts'
import type { PoolFile } from './pool-schema.ts'
import { countProcesses } from './processes.ts'
import type { Route } from './route-schema.ts'
import type { File } from './schema.ts'
import { toTcpListen, withLocalProbes, type ProxyProtocol, type TcpListen } from './tcp-config.ts'
import type { ListenerTlsFile, WorkerTlsFile } from './tls-schema.ts'
import { withoutUndefined } from './without-undefined.ts'

/** The forwarders by name. */
export type ForwarderName = 'http-proxy-middleware' | 'undici'

/** A listener: where, and how it is spoken to. */
export interface Listen extends Address {
  /** Undefined for plain http. */
  readonly tls?: ListenTls | undefined
  /** The https port that all are sent to; undefined where requests are served. */
  readonly redirect?: number | undefined
  /** Undefined where no header of the PROXY protocol is accepted. */
  readonly proxyProtocol?: ProxyProtocol | undefined
}

export interface ListenTls {
  /** The first is for who asks for no name, or for one that none of them has. */
  readonly certificates: readonly Certificate[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Undefined where clients are not asked for certificates. */
  readonly clients: ClientCertificates | undefined
  /** By which several processes resume each other's sessions; undefined for none but one's own. No file has it. */
  readonly tickets?: { readonly keys: Buffer; readonly context: string } | undefined
}

export interface ClientCertificates {
  /** Who signs them, as PEM. */
  readonly ca: string
  /** Whether nobody may come without one. */
  readonly required: boolean
  /** Whether workers get them as `Client-Cert` (RFC 9440). */
  readonly forward: boolean
}

export interface PoolConfig {
  readonly workers: readonly WorkerSpec[]
  readonly options: PoolOptions
  readonly forwarder: ForwarderName
}

/** `rondo` is the gateway's own line; the others are morgan's, or JSON. */
export type LogFormat = 'rondo' | 'combined' | 'dev' | 'json' | 'off'

/** What the gateway is to be: a file with its shorthand written out and its defaults filled in. */
export interface Config {
  readonly listen: readonly Listen[]
  readonly tcp: readonly TcpListen[]
  readonly pools: ReadonlyMap<string, PoolConfig>
  /** In order; the first that matches serves a request. */
  readonly routes: readonly Route[]
  readonly limits: { readonly header: number; readonly connections: number }
  readonly trustedProxies: readonly string[]
  readonly metrics: boolean
  /** `file` is undefined for the standard output. */
  readonly log: { readonly format: LogFormat; readonly file: string | undefined }
  /** How many processes serve, 1 or more. */
  readonly processes: number
  /** In ms. */
  readonly shutdown: number
  /** The text of the file. */
  readonly text: string
  /** The other files that it names, by path, with what was read: certificates and keys. */
  readonly files: ReadonlyMap<string, string>
  /** The admin API; undefined where it is off. */
  readonly admin: AdminConfig | undefined
  /** What the file says, in its own words, with what the environment sets. */
  readonly written: object
}

export interface AdminConfig {
  readonly listen: Listen
  /** Each of them is believed; where there is none, none is asked for. */
  readonly tokens: readonly string[]
  /** Whether nobody said where it listens: then that may be taken. */
  readonly isDefault: boolean
}

/** Where the admin API listens if nothing is said. */
export const DEFAULT_ADMIN = '127.0.0.1:8081'

/** Bytes of a head: the browsers' cookies and then some. */
const HEADER = 16_384
/** Each takes memory and a file descriptor, and one more to a worker while it is busy. */
const CONNECTIONS = 10_000

/** Writes out a file of that text that was found to be right; `written` is the same in its own words. */
export function toConfig(file: File, written: object, text: string, files: Files): Config {
  const { limits = {}, trustedProxies = [], metrics = 'on', log = {}, shutdown = 30_000 } = file
  const pools = poolFilesOf(file)
  const { format = 'rondo', file: path } = typeof log === 'string' ? { format: log } : log
  return {
    listen: listenFilesOf(file).map((value) => toListen(value, files)),
    tcp: (file.tcp ?? []).map((entry) => {
      const address = readAddress(entry.listen) as Address
      const tls = entry.tls && toListenTls(entry.tls, files)
      return toTcpListen(entry, { ...address, tls }, limits.connections ?? CONNECTIONS)
    }),
    pools: new Map(
      Array.from(pools, ([name, pool]) => [name, withLocalProbes(toPoolConfig(pool, files), name, file)]),
    ),
    routes: [...(file.routes ?? []), ...(isDefaultRouted(pools) ? [{ pool: DEFAULT_POOL }] : [])],
    limits: { header: limits.header ?? HEADER, connections: limits.connections ?? CONNECTIONS },
    trustedProxies,
    metrics: metrics === 'on',
    log: { format, file: path },
    processes: countProcesses(file.processes),
    shutdown,
    admin: toAdmin(file, files),
    written,
    text,
    files: files.texts,
  }
}

/** The listeners of a file, each with its path. */
export function listenersOf({ listen = [] }: File): [Path, string | number | ListenerFile][] {
  return [listen].flat().map((value, i) => [Array.isArray(listen) ? ['listen', i] : ['listen'], value])
}

/** What a file says of the admin API, with its shorthand written out. */
export function adminFileOf({ admin = {} }: File): Exclude<File['admin'], string | number | undefined> {
  return typeof admin === 'object' ? admin : { listen: admin }
}

function toAdmin(file: File, files: Files): AdminConfig | undefined {
  if (file.admin === 'off') return undefined
  const { listen, token = [] } = adminFileOf(file)
  return {
    listen: toListen(listen ?? DEFAULT_ADMIN, files),
    tokens: [token].flat(),
    isDefault: listen === undefined,
  }
}

/** What the balancer is given for a pool; it checks the values itself. */
export function toPoolConfig(
  { workers, forwarder = 'http-proxy-middleware', sticky, tls, ...options }: PoolFile,
  files: Files,
): PoolConfig {
  return {
    workers: workers as readonly WorkerSpec[],
    forwarder,
    options: withoutUndefined({
      ...options,
      sticky: sticky && withoutUndefined({ ...sticky, maxAge: sticky.maxAge && sticky.maxAge / 1000 }),
      tls: tls && toWorkerTls(tls, files),
    }) as object,
  }
}

/** The certificates of a listener, each with its path below `tls`: one of its own keys, or a list. */
export function pairsOf({ cert, key, passphrase, certificates }: ListenerTlsFile): [Path, PairFile][] {
  if (certificates) return certificates.map((pair, i) => [['certificates', i], pair])
  return cert !== undefined && key !== undefined ? [[[], { cert, key, passphrase }]] : []
}

function toListen(value: string | number | ListenerFile, files: Files): Listen {
  const address = readAddress(value) as Address
  if (typeof value !== 'object') return address
  const { tls, redirect, proxyProtocol } = value
  return {
    ...address,
    tls: tls && toListenTls(tls, files),
    redirect,
    proxyProtocol: proxyProtocol?.accept ? { accept: true } : undefined,
  }
}

function toListenTls(tls: ListenerTlsFile, files: Files): ListenTls {
  const { minVersion = '1.2', clients } = tls
  return {
    certificates: pairsOf(tls).map(([, pair]) => toCertificate(pair, files)),
    minVersion: `TLSv${minVersion}`,
    clients: clients && {
      ca: files.text(clients.ca),
      required: clients.required ?? true,
      forward: clients.forward === 'on',
    },
  }
}

function toWorkerTls({ ca, cert, key, ...rest }: WorkerTlsFile, files: Files): TlsOptions {
  const contents = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : files.text(path)
  return withoutUndefined({ ...rest, ca: contents(ca), cert: contents(cert), key: contents(key) })
}
