import { checkPool, OptionError, toTrust, type WorkerSpec } from '@rondo/balancer'
import { acceptFaults, tcpFaults } from './check-tcp.ts'
import { listenerFaults, workerTlsFaults, type Place } from './check-tls.ts'
import { isLoopback, readAddress, showAddress } from './address.ts'
import { adminFileOf, DEFAULT_ADMIN, listenersOf, toPoolConfig } from './config.ts'
import type { Fault, Path } from './fault.ts'
import { showValue, withoutPasswords } from './secrets.ts'
import type { Files } from './files.ts'
import { DEFAULT_POOL, noSuchPool, poolFilesOf, poolPath } from './pool-files.ts'
import { poolFields, type PoolFile } from './pool-schema.ts'
import type { Route } from './route-schema.ts'
import type { File } from './schema.ts'
import { MOST_FAULTS, type Source } from './source.ts'
import { isForTcp } from './tcp-config.ts'

/** What is wrong with a file whose shape is right: values that no pool, route or listener can have. */
export function check(file: File, source: Source, files: Files): Fault[] {
  const at = (path: Path, value: unknown, wrong: string): Fault =>
    source.fault(path, `${showValue(path, value)} ${wrong}`)
  const place = { source, files, at }
  return [
    ...listenFaults(file, place),
    ...adminFaults(file, place),
    ...tcpFaults(file, place),
    ...proxyFaults(file, source),
    ...Array.from(poolFilesOf(file), ([name, pool]) => poolFaults(pool, poolPath(file, name), place)).flat(),
    ...unused(file, source),
    ...(file.routes ?? []).flatMap((route, i) => routeFaults(route, ['routes', i], file, at)),
  ]
}

function proxyFaults({ trustedProxies = [] }: File, source: Source): Fault[] {
  const faults: Fault[] = []
  for (const [i, proxy] of trustedProxies.entries()) {
    const error = complaint(() => toTrust([proxy]))
    if (error) faults.push(fault(error, ['trustedProxies', i], source))
    if (faults.length === MOST_FAULTS) break
  }
  return faults
}

function listenFaults(file: File, place: Place): Fault[] {
  const seen = new Set<string>()
  return listenersOf(file).flatMap(([path, value]) => {
    const address = readAddress(value)
    if (!address)
      return [place.at(path, value, 'is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"')]
    const shown = showAddress(address)
    if (seen.has(shown)) return [place.at(path, value, 'is there twice; leave one of them out')]
    seen.add(shown)
    if (typeof value !== 'object') return []
    return [...listenerFaults(value, path, place), ...acceptFaults(value.proxyProtocol, path, file, place)]
  })
}

function adminFaults(file: File, place: Place): Fault[] {
  if (file.admin === 'off') return []
  const { listen, token } = adminFileOf(file)
  if (listen === undefined) return []
  const { at } = place
  const path = ['admin', 'listen']
  const address = readAddress(listen)
  if (!address)
    return [
      at(path, listen, 'is no address; write it as 8081, "127.0.0.1:8081" or "[::1]:8081", or admin: off'),
    ]
  const others = listenersOf(file).flatMap(([, other]) => readAddress(other) ?? [])
  const isTwice = address.port > 0 && others.map(showAddress).includes(showAddress(address))
  if (isTwice) return [at(path, listen, 'is one of listen too; give the admin API a port of its own')]
  const faults = typeof listen === 'object' ? listenerFaults(listen, path, place) : []
  if (token !== undefined || isLoopback(address.host)) return faults
  const shown = showValue(path, listen)
  const mend = `give it one, as admin: {listen: ${shown}, token: "\${ADMIN_TOKEN}"}, or use ${DEFAULT_ADMIN}`
  return [...faults, at(path, listen, `may be reached from other machines, and asks for no token; ${mend}`)]
}

/** How many faults of a pool are told at a time: each asks the balancer anew, on the thread that serves. */
const MOST = 10

/** The balancer's own word on a pool. It ends with the first fault: that is put right, and the balancer asked again. */
function poolFaults(pool: PoolFile, top: Path, place: Place): Fault[] {
  const { source, files } = place
  const { workers: given, options } = toPoolConfig(pool, files)
  const workers = [...given]
  const rest: Record<string, unknown> = { ...options }
  const faults = pool.tls ? workerTlsFaults(pool.tls, [...top, 'tls'], place) : []
  if (faults.length > 0) delete rest['tls'] // of which the balancer would say the same
  while (faults.length < MOST) {
    const error = complaint(() => checkPool(workers, rest))
    if (!error) break
    const path = error.option.startsWith('workers')
      ? workerPath(error.option, workers)
      : optionPath(error.option)
    faults.push(fault(error, [...top, ...path], source))
    const [key = '', i = 0] = path
    if (key === 'workers') workers[Number(i)] = mended(Number(i), workers)
    else delete rest[key]
  }
  return faults
}

/** A worker in the place of a wrong one, of the kind that its pool has. */
function mended(i: number, workers: readonly WorkerSpec[]): WorkerSpec {
  const isTcp = isForTcp({ workers: i === 0 ? workers.slice(1) : workers })
  return { url: isTcp ? 'tcp://localhost:80' : 'http://localhost', name: `put right: ${i}` }
}

/** What the balancer says against something; undefined for nothing. */
function complaint(look: () => unknown): OptionError | undefined {
  try {
    look()
    return undefined
  } catch (error) {
    if (error instanceof OptionError) return error
    throw error
  }
}

function fault({ reason }: OptionError, path: Path, source: Source): Fault {
  return source.fault(path, withoutPasswords(reason.replace(/^undefined [^;]*/, 'is missing')))
}

/** The place of an option of the balancer in a pool of a file. */
function optionPath(option: string): Path {
  const path = option.split('.')
  return path[0] === 'hash' ? ['strategy', ...path] : path
}

/** The place of what is wrong with workers: with one, or with two that cannot be together, which is the second. */
function workerPath(option: string, workers: readonly WorkerSpec[]): Path {
  const [, index, key] = /^workers\[(\d+)\](?:\.(\w+))?$/.exec(option) ?? []
  if (index !== undefined) {
    const isText = typeof workers[Number(index)] === 'string'
    return ['workers', Number(index), ...(key !== undefined ? [key] : isText ? [] : ['url'])]
  }
  if (workers.length === 0) return ['workers']
  let [right, wrong] = [1, workers.length]
  while (wrong - right > 1) {
    const middle = Math.floor((right + wrong) / 2)
    if (complaint(() => checkPool(workers.slice(0, middle)))) wrong = middle
    else right = middle
  }
  return ['workers', wrong - 1]
}

/** What the top level says of the pool `default` where there is none, or another. */
function unused(file: File, source: Source): Fault[] {
  const { pools = {}, workers, limits } = file
  const names = Object.keys(pools)
  if (workers !== undefined && names.includes(DEFAULT_POOL))
    return [
      source.fault(
        ['pools'],
        'stands beside workers at the top, which are those of a pool "default"; keep one',
        DEFAULT_POOL,
      ),
    ]
  if (workers !== undefined || names.length === 0) return []
  const said = Object.keys(poolFields).filter((key) => Object.hasOwn(source.value as object, key))
  const mend = 'is of the pool that workers at the top make, and there are none; move it into one of pools'
  return [
    ...said.map((key) => source.fault([], mend, key)),
    ...(limits?.body === undefined ? [] : [source.fault(['limits'], mend, 'body')]),
  ]
}

function routeFaults(route: Route, path: Path, file: File, at: Place['at']): Fault[] {
  const { pool, answer, redirect, strip, rewrite, headers } = route
  const faults: Fault[] = []
  const [end, ...others] = Object.entries({ pool, answer, redirect }).filter(
    ([, value]) => value !== undefined,
  )
  if (!end) faults.push(at(path, route, 'leads nowhere; give it a pool, an answer or a redirect'))
  for (const [key, value] of others)
    faults.push(at([...path, key], value, `stands beside ${end?.[0]}; keep one of them`))
  const named = pool === undefined ? undefined : poolFilesOf(file).get(pool)
  if (pool !== undefined && !named) faults.push(at([...path, 'pool'], pool, noSuchPool(file)))
  if (named && isForTcp(named))
    faults.push(
      at(
        [...path, 'pool'],
        pool,
        `is a pool for TCP, which has no requests; serve it as tcp: [{listen: 6379, pool: ${pool}}], or give it workers as "http://host:port"`,
      ),
    )
  for (const [key, value] of Object.entries({ strip, rewrite, headers }))
    if (value !== undefined && value !== false && pool === undefined && end)
      faults.push(
        at(
          [...path, key],
          value,
          `is for what workers get; leave it out, or give a pool instead of ${end[0]}`,
        ),
      )
  for (const [key, value] of Object.entries({ strip, rewrite }))
    if (value !== undefined && value !== false && (route.path === undefined || route.path.includes('*')))
      faults.push(at([...path, key], value, 'needs a path that is a prefix; write it as path: /api'))
  if (strip && rewrite !== undefined)
    faults.push(at([...path, 'rewrite'], rewrite, 'replaces the prefix; leave out strip'))
  return faults
}
