import { OptionError } from '../errors.ts'
import { toTls, type Tls } from '../tls.ts'
import { httpProbe, type Probe } from './probe.ts'
import { checkSchedule, smallestGap } from './schedule.ts'

/** When and how workers are probed, and how many probes change a verdict. */
export interface HealthOptions {
  /** Cron expression with optional seconds: when all workers are probed. Default every 2 s. */
  readonly schedule?: string
  /** Path of the probe's GET. Default `/health`. */
  readonly path?: string
  /** Deadline of one probe in ms, below the shortest gap of the schedule. Default 1000, or half that gap if less. */
  readonly timeout?: number
  /** Good probes in a row that bring a worker back. Default 2; the first probe of a worker decides alone. */
  readonly rise?: number
  /** Bad probes in a row that take a worker out. Default 3; the first probe of a worker decides alone. */
  readonly fall?: number
  /** The probe itself. Default: HTTP GET of `path`, well if 2xx. */
  readonly probe?: Probe
}

/** The same, checked and whole. */
export interface Health extends Required<HealthOptions> {
  /** The shortest time between two ticks of the schedule, in ms. */
  readonly gap: number
}

/** `tls` is for the default probe. @throws OptionError for anything that is not a schedule, a deadline or a count. */
export function toHealth(options: HealthOptions = {}, tls: Tls = toTls()): Health {
  const { schedule = '*/2 * * * * *', path = '/health', rise = 2, fall = 3 } = options
  checkSchedule('health.schedule', schedule)
  const gap = smallestGap(schedule)
  const { timeout = Math.min(1000, gap / 2), probe = httpProbe(path, tls) } = options
  const health = { schedule, gap, path, timeout, rise, fall, probe }
  check(health)
  return health
}

function check({ schedule, gap, path, timeout, rise, fall, probe }: Health): void {
  if (typeof path !== 'string' || !/^\/[!-~]*$/.test(path))
    throw new OptionError('health.path', path, 'is not a path; write it as "/health"')
  if (typeof probe !== 'function')
    throw new OptionError('health.probe', probe, 'is not a probe; give an async function (worker, signal)')
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
