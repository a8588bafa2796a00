import { OptionError } from '../errors.ts'
import { toTls, type Tls } from '../tls.ts'
import { httpProbe, type Probe } from './probe.ts'
import { checkSchedule, smallestGap } from './schedule.ts'
import { MOST, tcpProbe } from './tcp-probe.ts'

/** When and how workers are probed, and how many probes change a verdict. */
export interface HealthOptions {
  /** Cron expression with optional seconds: when all workers are probed. Default every 2 s. */
  readonly schedule?: string
  /** Deadline of one probe in ms, below the shortest gap of the schedule. Default 1000, or half that gap if less. */
  readonly timeout?: number
  /** Good probes in a row that bring a worker back. Default 2; the first probe of a worker decides alone. */
  readonly rise?: number
  /** Bad probes in a row that take a worker out. Default 3; the first probe of a worker decides alone. */
  readonly fall?: number
  /**
   * `http` asks for `path`, `tcp` connects; both by TLS where the worker's URL says `https:` or `tls:`. Default by what
   * the workers are for: `tcp` for `tcp:` and `tls:`.
   */
  readonly type?: 'http' | 'tcp'
  /** Another port than the worker's. */
  readonly port?: number
  /** Path of the GET, well if 2xx. Default `/health`. */
  readonly path?: string
  /** What a TCP probe sends, at most 64 KiB; text as UTF-8. Default nothing. */
  readonly send?: string | Buffer
  /**
   * What must be somewhere in the first 64 KiB that come back to a TCP probe; a regular expression sees each byte as one
   * character (Latin-1). Default nothing: who takes a connection is well, also if it closes it at once.
   */
  readonly expect?: string | Buffer | RegExp
  /** Begins with a header of the PROXY protocol, LOCAL, for workers that demand one. Default none. */
  readonly proxyProtocol?: 'v2'
  /** A probe of your own, in place of these. */
  readonly probe?: Probe
}

/** The same, checked: when, how many, and the one probe that all say. */
export interface Health {
  readonly schedule: string
  /** The shortest time between two ticks of the schedule, in ms. */
  readonly gap: number
  readonly timeout: number
  readonly rise: number
  readonly fall: number
  readonly probe: Probe
}

/** Of the options, those that say what a probe is that is not your own, by the type that they are for. */
const BOTH = ['type', 'port', 'proxyProtocol'] as const
const ONLY = { http: ['path'], tcp: ['send', 'expect'] } as const

/**
 * `tls` is for probes by TLS, `isTcp` says what the workers are for.
 * @throws OptionError for anything that is not a schedule, a deadline or a count, and for what no such probe goes by.
 */
export function toHealth(options: HealthOptions = {}, tls: Tls = toTls(), isTcp = false): Health {
  const { schedule = '*/2 * * * * *', rise = 2, fall = 3 } = options
  checkSchedule('health.schedule', schedule)
  const gap = smallestGap(schedule)
  const { timeout = Math.min(1000, gap / 2) } = options
  const health = { schedule, gap, timeout, rise, fall, probe: toProbe(options, tls, isTcp) }
  check(health)
  return health
}

function toProbe(options: HealthOptions, tls: Tls, isTcp: boolean): Probe {
  const {
    type = isTcp ? 'tcp' : 'http',
    path = '/health',
    port,
    send,
    expect,
    proxyProtocol,
    probe,
  } = options
  if (probe !== undefined) {
    if (typeof probe !== 'function')
      throw new OptionError('health.probe', probe, 'is not a probe; give an async function (worker, signal)')
    refuse(options, [...BOTH, ...ONLY.tcp], 'does nothing beside a probe of your own; leave one of them out')
    return probe
  }
  if (type !== 'http' && type !== 'tcp')
    throw new OptionError('health.type', type, 'is no type of probe; use "http" or "tcp"')
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new OptionError('health.port', port, 'is no port; give a whole number from 1 to 65535')
  if (proxyProtocol !== undefined && proxyProtocol !== 'v2')
    throw new OptionError('health.proxyProtocol', proxyProtocol, 'is none that probes send; use "v2"')
  const way = { port, proxyProtocol, tls }
  if (type === 'http') {
    refuse(options, ONLY.tcp, 'is for probes by TCP; leave it out, or give health.type "tcp"')
    if (typeof path !== 'string' || !/^\/[!-~]*$/.test(path))
      throw new OptionError('health.path', path, 'is not a path; write it as "/health"')
    return httpProbe(path, way)
  }
  refuse(options, ONLY.http, 'is for probes by HTTP; leave it out, or give health.type "http"')
  checkBytes('health.send', send)
  if (!(expect instanceof RegExp)) checkBytes('health.expect', expect)
  return tcpProbe({ send, expect }, way)
}

/** @throws OptionError that names the first of these options that is there. */
function refuse(options: HealthOptions, names: readonly (keyof HealthOptions)[], mend: string): void {
  for (const name of names)
    if (options[name] !== undefined) throw new OptionError(`health.${name}`, options[name], mend)
}

function checkBytes(option: string, value: unknown): void {
  if (value === undefined) return
  const isBytes = typeof value === 'string' || Buffer.isBuffer(value)
  if (!isBytes || value.length === 0)
    throw new OptionError(option, value, 'is nothing to say; give a text or a Buffer that is not empty')
  const length = Buffer.byteLength(value)
  if (length > MOST) throw new OptionError(option, length, `bytes are too many; give ${MOST} at most`)
}

function check({ schedule, gap, timeout, rise, fall }: Health): void {
  for (const [option, value] of Object.entries({ rise, fall }))
    if (!Number.isInteger(value) || value < 1)
      throw new OptionError(`health.${option}`, value, 'is not a count; give a whole number of 1 or more')
  if (typeof timeout !== 'number' || !(timeout > 0))
    throw new OptionError('health.timeout', timeout, 'is not a duration; give milliseconds above 0')
  if (timeout >= gap)
    throw new OptionError(
      'health.timeout',
      timeout,
      `ms is not below the ${gap} ms between two ticks of "${schedule}"; shorten it, or space the schedule`,
    )
}
