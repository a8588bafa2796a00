import { bySni, OptionError } from '@rondo/balancer'
import { listenerFaults, type Place } from './check-tls.ts'
import { readAddress, showAddress } from './address.ts'
import { adminFileOf } from './config.ts'
import { noSuchPool, listenFilesOf, poolFilesOf } from './pool-files.ts'
import type { Fault, Path } from './fault.ts'
import type { PoolFile } from './pool-schema.ts'
import type { File } from './schema.ts'
import type { TcpFile } from './tcp-schema.ts'

/** What is wrong with the listeners for TCP of a file whose shape is right. */
export function tcpFaults(file: File, place: Place): Fault[] {
  const { at } = place
  const seen = new Map(addressesOf(file))
  return (file.tcp ?? []).flatMap((entry, i) => {
    const path = ['tcp', i]
    const address = readAddress(entry.listen)
    if (!address)
      return [
        at(
          [...path, 'listen'],
          entry.listen,
          'is no address; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"',
        ),
      ]
    const other = seen.get(showAddress(address))
    if (address.port > 0) seen.set(showAddress(address), `tcp[${i}]`)
    const twice = other === undefined ? [] : [at([...path, 'listen'], entry.listen, takenBy(other))]
    return [...twice, ...entryFaults(entry, path, file, place)]
  })
}

function takenBy(other: string): string {
  return `is the address of ${other} too; give one of them another`
}

/** The addresses that are not for TCP, and whose they are. */
function addressesOf(file: File): [string, string][] {
  const { listen: admin } = file.admin === 'off' ? {} : adminFileOf(file)
  const all = [
    ...listenFilesOf(file).map((value) => ['listen', value] as const),
    ...(admin === undefined ? [] : [['admin', admin] as const]),
  ]
  return all.flatMap(([name, value]) => {
    const address = readAddress(value)
    return address && address.port > 0 ? [[showAddress(address), name]] : []
  })
}

function entryFaults(entry: TcpFile, path: Path, file: File, place: Place): Fault[] {
  const { pool, sni, tls, proxyProtocol } = entry
  const { source } = place
  const faults: Fault[] = []
  if (pool === undefined && sni === undefined)
    faults.push(source.fault(path, 'leads nowhere; give it a pool, or sni'))
  if (pool !== undefined) faults.push(...poolFaults(pool, [...path, 'pool'], file, place))
  for (const [name, own] of Object.entries(sni ?? {})) {
    const wrong = wrongWithName(name, sni as object)
    if (wrong !== undefined) faults.push(source.fault([...path, 'sni'], wrong, name))
    faults.push(...poolFaults(own, [...path, 'sni', name], file, place))
  }
  if (sni && Object.keys(sni).length === 0)
    faults.push(source.fault([...path, 'sni'], 'names no host; write it as {a.example: pool}'))
  if (sni && tls)
    faults.push(
      source.fault([...path, 'tls'], 'stands beside sni, which passes TLS through; keep one of them'),
    )
  if (tls) faults.push(...listenerFaults({ port: 0, tls }, path, place))
  faults.push(...acceptFaults(proxyProtocol, path, file, place))
  return faults
}

/** A listener that demands headers of the PROXY protocol, and believes nobody's. */
export function acceptFaults(
  proxyProtocol: { readonly accept?: boolean | undefined } | undefined,
  path: Path,
  { trustedProxies = [] }: File,
  { source }: Pick<Place, 'source'>,
): Fault[] {
  if (!proxyProtocol?.accept || trustedProxies.length > 0) return []
  const wrong =
    'lets nobody in, as no proxy is trusted; name those that send headers, as trustedProxies: [10.0.0.0/8]'
  return [source.fault([...path, 'proxyProtocol', 'accept'], wrong)]
}

function poolFaults(name: string, path: Path, file: File, { at }: Place): Fault[] {
  const pool = poolFilesOf(file).get(name)
  if (!pool) return [at(path, name, noSuchPool(file))]
  const key = requestKeyOf(pool)
  if (!key) return []
  return [
    at(path, name, `goes by requests (${key}), which TCP has not; give the pool strategy: ip-hash instead`),
  ]
}

/** What of a pool only requests have. */
function requestKeyOf({ sticky, strategy }: PoolFile): string | undefined {
  if (sticky) return 'sticky'
  return typeof strategy === 'object' ? 'strategy.hash' : undefined
}

/** The balancer's own word on a name, beside the others. */
function wrongWithName(name: string, all: object): string | undefined {
  const before = Object.keys(all).slice(0, Object.keys(all).indexOf(name))
  if (before.some((other) => other.toLowerCase() === name.toLowerCase()))
    return 'is there already; names know no case'
  try {
    bySni({ [name]: () => {} })
    return undefined
  } catch (error) {
    if (error instanceof OptionError) return error.reason
    throw error
  }
}
