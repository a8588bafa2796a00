import { setTimeout as sleep } from 'node:timers/promises'
import { describe, OptionError } from '../errors.ts'
import { setAlive, type Worker } from '../worker.ts'
import { httpProbe, type Probe } from './probe.ts'
import { checkSchedule, createSchedule, smallestGap } from './schedule.ts'
import { tell } from '../tell.ts'

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

/** Told of every change of liveness, the first verdict on a worker included. */
export type OnVerdict = (worker: Worker, alive: boolean, reason: string) => void

/** How the last probe of a worker ended. */
export interface LastProbe {
  /** When, in ms since 1970. */
  readonly at: number
  readonly isWell: boolean
  readonly reason: string
  /** How many in a row ended as this one did. */
  readonly streak: number
}

/** The one that decides who is alive. */
export interface Poller {
  /** Takes workers in and probes them at once; resolves when each has its first verdict. */
  watch(workers: readonly Worker[]): Promise<void>
  /** Lets a worker go; a probe of it that is still out no longer counts. */
  unwatch(worker: Worker): void
  /** Probes all workers now, beside the schedule; resolves when every probe has counted. */
  poll(): Promise<void>
  /** The last probe of a worker that has ended; undefined before the first. */
  last(worker: Worker): LastProbe | undefined
  /** Time to the next tick of the schedule, in ms. */
  untilNext(): number
  /** Stops the schedule and all probes. */
  close(): void
}

/**
 * Probes begin by the handful. A thousand at once would hold up the requests beside them; and V8, finding so much
 * alive, would allocate what Node's client makes for each request in the old space ever after, at a third of the rate.
 */
const HANDFUL = 16
/** Time between two handfuls in ms, or less: the last must have its whole deadline before the next tick. */
const PAUSE = 10

interface Watch {
  /** Probes in a row that contradict the verdict; -1 before the first. */
  streak: number
  probing: Promise<void> | undefined
  last: LastProbe | undefined
  readonly abort: AbortController
}

/** @throws OptionError for anything that is not a schedule, a deadline or a count. */
export function createPoller(options: HealthOptions, onVerdict: OnVerdict): Poller {
  const { schedule = '*/2 * * * * *', path = '/health', rise = 2, fall = 3 } = options
  checkSchedule('health.schedule', schedule)
  const gap = smallestGap(schedule)
  const { timeout = Math.min(1000, gap / 2), probe = httpProbe(path) } = options
  checkOptions({ schedule, path, timeout, rise, fall, probe }, gap)
  const watches = new Map<Worker, Watch>()
  const task = createSchedule(schedule, poll)
  void task.start()

  function watch(workers: readonly Worker[]): Promise<void> {
    const fresh = workers.map((worker): [Worker, Watch] => [
      worker,
      { streak: -1, probing: undefined, last: undefined, abort: new AbortController() },
    ])
    for (const [worker, watched] of fresh) watches.set(worker, watched)
    return checkAll(fresh)
  }

  function unwatch(worker: Worker): void {
    watches.get(worker)?.abort.abort()
    watches.delete(worker)
  }

  function poll(): Promise<void> {
    return checkAll(Array.from(watches))
  }

  async function checkAll(all: readonly [Worker, Watch][]): Promise<void> {
    const pause = Math.min(PAUSE, (gap - timeout) / 2 / Math.ceil(all.length / HANDFUL))
    const probes: Promise<void>[] = []
    for (let i = 0; i < all.length; i += HANDFUL) {
      if (i > 0) await sleep(pause)
      for (const [worker, watched] of all.slice(i, i + HANDFUL))
        if (watches.get(worker) === watched) probes.push(check(worker, watched))
    }
    await Promise.all(probes)
  }

  /** One probe at a time for each worker: who asks meanwhile gets the one that is out. */
  function check(worker: Worker, watched: Watch): Promise<void> {
    watched.probing ??= withDeadline(probe, worker, timeout, watched.abort.signal)
      .then(
        () => count(worker, watched, undefined),
        (error: unknown) => count(worker, watched, describe(error)),
      )
      .finally(() => {
        watched.probing = undefined
      })
    return watched.probing
  }

  function count(worker: Worker, watched: Watch, fault: string | undefined): void {
    if (watches.get(worker) !== watched) return
    const good = fault === undefined
    const { last } = watched
    const streak = last?.isWell === good ? last.streak + 1 : 1
    watched.last = { at: Date.now(), isWell: good, reason: fault ?? 'probe succeeded', streak }
    const first = watched.streak < 0
    if (!first && good === worker.alive) {
      watched.streak = 0
      return
    }
    watched.streak = first ? 1 : watched.streak + 1
    const needed = first ? 1 : good ? rise : fall
    if (watched.streak < needed) return
    const times = watched.streak > 1 ? `, ${watched.streak} probes in a row` : ''
    watched.streak = 0
    setAlive(worker, good)
    tell(() => onVerdict(worker, good, (fault ?? 'probe succeeded') + times))
  }

  function close(): void {
    void task.destroy()
    for (const worker of watches.keys()) unwatch(worker)
  }

  return {
    watch,
    unwatch,
    poll,
    last: (worker) => watches.get(worker)?.last,
    untilNext: () => task.msToNext() ?? 0,
    close,
  }
}

/** The probe, held to its deadline even if it ignores its signal. */
async function withDeadline(probe: Probe, worker: Worker, timeout: number, gone: AbortSignal): Promise<void> {
  const abort = new AbortController()
  const { promise: over, reject } = Promise.withResolvers<never>()
  const end = (why: string): void => {
    reject(new Error(why))
    abort.abort()
  }
  const stop = (): void => end('no longer watched')
  const timer = setTimeout(end, timeout, `no answer within ${timeout} ms`).unref()
  gone.addEventListener('abort', stop)
  try {
    await Promise.race([probe(worker, abort.signal), over])
  } finally {
    clearTimeout(timer)
    gone.removeEventListener('abort', stop)
  }
}

function checkOptions(options: Required<HealthOptions>, gap: number): void {
  const { schedule, path, timeout, rise, fall, probe } = options
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
