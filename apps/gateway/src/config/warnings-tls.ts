import { certificatesIn, toCertificate } from './certificates.ts'
import { adminFileOf, listenersOf, pairsOf } from './config.ts'
import type { Fault, Path } from './fault.ts'
import type { Files } from './files.ts'
import type { PoolFile } from './pool-schema.ts'
import type { File } from './schema.ts'
import type { Source } from './source.ts'
import type { ListenerTlsFile } from './tls-schema.ts'

/** How long before its end a certificate is said to expire, in ms: 14 days. */
const SOON = 14 * 86_400_000

/** What hurts in how a pool speaks https. */
export function workerTlsWarnings(
  { workers, tls }: PoolFile,
  top: Path,
  source: Source,
  files: Files,
): Fault[] {
  if (!tls) return []
  const path = [...top, 'tls']
  const warnings: Fault[] = []
  const isUsed = workers.some((worker) =>
    /^(https|tls):/i.test(typeof worker === 'string' ? worker : worker.url),
  )
  if (!isUsed)
    warnings.push(
      source.fault(
        path,
        'is for workers over https or tls, and there are none; for clients, put it into listen, as {port: 443, tls: {cert: cert.pem, key: key.pem}}',
      ),
    )
  if (tls.verify === false)
    warnings.push(
      source.fault(
        [...path, 'verify'],
        'false lets whoever is in between read and change what workers get and answer; leave it out, and name in ca who signs their certificates',
      ),
    )
  for (const key of ['ca', 'cert'] as const) {
    const file = tls[key]
    if (file !== undefined) warnings.push(...dates(file, [...path, key], source, files))
  }
  return warnings
}

/** What hurts in the certificates of listeners, that of the admin API included. */
export function listenerTlsWarnings(file: File, source: Source, files: Files): Fault[] {
  const admin = [['admin', 'listen'], adminFileOf(file).listen] as const
  const tcp = (file.tcp ?? []).map((entry, i) => [['tcp', i], entry] as const)
  const listeners = [...listenersOf(file), admin, ...tcp]
  return listeners.flatMap(([place, value]) => {
    if (typeof value !== 'object' || !value.tls) return []
    const { tls } = value
    const path = [...place, 'tls']
    return [
      ...pairsOf(tls).flatMap(([below, { cert }]) => dates(cert, [...path, ...below, 'cert'], source, files)),
      ...unusedNames(tls, path, source, files),
      ...(tls.clients ? dates(tls.clients.ca, [...path, 'clients', 'ca'], source, files) : []),
    ]
  })
}

/** Says that the environment's PORT takes the place of a listener with tls or PROXY headers, or of one that redirects. */
export function hiddenListeners({ listen = [] }: File, { PORT }: NodeJS.ProcessEnv, source: Source): Fault[] {
  const isSaid = [listen]
    .flat()
    .some((value) => typeof value === 'object' && (value.tls ?? value.redirect ?? value.proxyProtocol))
  if (PORT === undefined || !isSaid) return []
  const wrong = `is replaced by the PORT of the environment, ${PORT}, which is plain http; leave PORT unset`
  return [source.fault(['listen'], wrong)]
}

/** Names that two certificates have: the first is for them. */
function unusedNames(tls: ListenerTlsFile, path: Path, source: Source, files: Files): Fault[] {
  const seen = new Set<string>()
  return pairsOf(tls).flatMap(([below, pair]) => {
    const { names } = toCertificate(pair, files)
    const again = names.filter((name) => seen.has(name))
    for (const name of names) seen.add(name)
    if (again.length === 0) return []
    const wrong = `is not used for ${again.join(', ')}: a certificate before it has the same; leave one of them out`
    return [source.fault([...path, ...below, 'cert'], wrong)]
  })
}

/** Certificates of a file that hold no longer, soon not any more, or not yet. */
function dates(file: string, path: Path, source: Source, files: Files): Fault[] {
  const now = Date.now()
  return certificatesIn(files.text(file)).flatMap(({ subject, validFrom, validTo }) => {
    const [from, to] = [new Date(validFrom).getTime(), new Date(validTo).getTime()]
    const name = `${JSON.stringify(file)}: the certificate of ${subject.replaceAll('\n', ', ')}`
    if (to <= now)
      return [source.fault(path, `${name} has expired on ${day(to)}; put a new one in its place`)]
    if (to - now < SOON)
      return [source.fault(path, `${name} expires on ${day(to)}; put a new one in its place`)]
    if (from > now) return [source.fault(path, `${name} holds only from ${day(from)} on; look at the clock`)]
    return []
  })
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
