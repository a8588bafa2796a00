import { wrongWithAuthority, wrongWithPair, type Wrong } from './certificates.ts'
import { pairsOf } from './config.ts'
import type { Fault, Path } from './fault.ts'
import type { Files } from './files.ts'
import type { ListenerFile } from './listen-schema.ts'
import type { Source } from './source.ts'
import type { ListenerTlsFile, WorkerTlsFile } from './tls-schema.ts'

/** Where faults are told, and the files that are looked at. */
export interface Place {
  readonly source: Source
  readonly files: Files
  /** A fault at a value, which is shown. */
  readonly at: (path: Path, value: unknown, wrong: string) => Fault
}

/** What is wrong with how a listener is spoken to. */
export function listenerFaults({ tls, redirect }: ListenerFile, path: Path, place: Place): Fault[] {
  if (!tls) return []
  const faults = tlsFaults(tls, [...path, 'tls'], place)
  if (redirect === undefined) return faults
  const wrong = 'stands beside tls; keep one of them: https needs no redirect'
  return [place.at([...path, 'redirect'], redirect, wrong), ...faults]
}

function tlsFaults(tls: ListenerTlsFile, path: Path, { source, files, at }: Place): Fault[] {
  const { cert, key, passphrase, certificates, clients } = tls
  const faults: Fault[] = []
  const alone = Object.entries({ cert, key, passphrase }).filter(([, value]) => value !== undefined)
  if (certificates)
    for (const [name, value] of alone)
      faults.push(at([...path, name], value, 'stands beside certificates; move it into one of them'))
  else if (cert === undefined && key === undefined)
    faults.push(source.fault(path, 'names no certificate; give cert and key, or certificates'))
  else if (cert === undefined || key === undefined) faults.push(halfPair(cert, path, source))
  for (const [below, pair] of pairsOf(tls))
    faults.push(...told(wrongWithPair(pair, files), pair, [...path, ...below], at))
  if (clients) faults.push(...told(wrongWithAuthority(clients.ca, files), clients, [...path, 'clients'], at))
  return faults
}

/** A certificate without its key, or a key without its certificate. */
function halfPair(cert: string | undefined, path: Path, source: Source): Fault {
  return cert === undefined
    ? source.fault([...path, 'cert'], 'is missing; give the file with the certificate of the key')
    : source.fault([...path, 'key'], 'is missing; give the file with the key of the certificate')
}

/** What is wrong with the files that a pool speaks https with. */
export function workerTlsFaults(tls: WorkerTlsFile, path: Path, { source, files, at }: Place): Fault[] {
  const { ca, cert, key, passphrase } = tls
  const faults = ca === undefined ? [] : told(wrongWithAuthority(ca, files), tls, path, at)
  if (cert !== undefined && key !== undefined)
    faults.push(...told(wrongWithPair({ cert, key, passphrase }, files), tls, path, at))
  else if (cert !== undefined || key !== undefined) faults.push(halfPair(cert, path, source))
  return faults
}

function told(
  wrongs: readonly Wrong[],
  by: { [key in Wrong['key']]?: string | undefined },
  path: Path,
  at: Place['at'],
): Fault[] {
  return wrongs.map(({ key, wrong }) => at([...path, key], by[key], wrong))
}
