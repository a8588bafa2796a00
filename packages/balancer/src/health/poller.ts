import { setTimeout as sleep } from 'node:timers/promises'
import { tell } from '../tell.ts'
import { setAlive, type Worker } from '../worker.ts'
import { untilDeadline, type Ending } from './deadline.ts'
import type { Health } from './options.ts'
import { createSchedule } from './schedule.ts'
import type { Verdict } from './verdict.ts'

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
  /**
   * Takes over from a poller that is about to be closed: its verdicts stand, and what it saw last is known. Resolves when
   * each has a verdict.
   */
  succeed(former: Poller, workers: readonly Worker[]): Promise<void>
  /** Lets a worker go; a probe of it that is still out no longer counts. */
  unwatch(worker: Worker): void
  /** Probes all workers now, beside the schedule; resolves when every probe has counted. */
  poll(): Promise<void>
  /** The last probe of a worker that has ended; undefined before the first. */
  last(worker: Worker): LastProbe | undefined
  /** Why a worker has the verdict that it has; undefined before the first. */
  reason(worker: Worker): string | undefined
  /** Takes over the verdicts of another process. @throws TypeError if it polls itself. */
  heed(verdicts: readonly Verdict[]): void
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

/**
 * A probe in which this process's own event loop stalled for half the timeout says nothing of the worker: it is
 * repeated, good or bad, but only so often in a row. Then it counts, lest a process that always stalls never learns who
 * is alive: its workers had turns enough of the loop to be heard (`deadline.ts`). It is no storm, since each such probe
 * has lasted a good part of the timeout; ticks that come meanwhile find it out, and start no other.
 */
const REPEATS = 3

interface Watch {
  /** Probes in a row that contradict the verdict; -1 before the first. */
  streak: number
  /** Probes in a row in which the event loop stalled. */
  stalled: number
  /** Tells whether the probe that is out has counted. */
  probing: Promise<boolean> | undefined
  last: LastProbe | undefined
  /** Of the verdict. */
  reason: string | undefined
  readonly abort: AbortController
}

export function createPoller(health: Health, onVerdict: OnVerdict): Poller {
  const { schedule, gap, timeout, rise, fall, probe } = health
  const watches = new Map<Worker, Watch>()
  const task = createSchedule(schedule, poll)
  void task.start()

  function watch(workers: readonly Worker[]): Promise<void> {
    const fresh = workers.map((worker): [Worker, Watch] => [worker, newWatch()])
    for (const [worker, watched] of fresh) watches.set(worker, watched)
    return checkAll(fresh)
  }

  function succeed(former: Poller, workers: readonly Worker[]): Promise<void> {
    const strangers: [Worker, Watch][] = []
    for (const worker of workers) {
      const last = former.last(worker)
      const watched = newWatch(last, former.reason(worker))
      watches.set(worker, watched)
      if (!last) strangers.push([worker, watched])
    }
    return checkAll(strangers)
  }

  function unwatch(worker: Worker): void {
    watches.get(worker)?.abort.abort()
    watches.delete(worker)
  }

  function poll(): Promise<void> {
    return checkAll(Array.from(watches))
  }

  /** Probes these until each has counted. */
  async function checkAll(all: readonly [Worker, Watch][]): Promise<void> {
    for (let left = all; left.length > 0;) {
      const settled = await checkOnce(left)
      left = left.filter((_, i) => !settled[i])
    }
  }

  /** Probes each of these once. Tells of each whether that settled it: its probe has counted, or it was let go. */
  async function checkOnce(all: readonly [Worker, Watch][]): Promise<boolean[]> {
    const pause = Math.min(PAUSE, (gap - timeout) / 2 / Math.ceil(all.length / HANDFUL))
    const probes: Promise<boolean>[] = []
    for (let i = 0; i < all.length; i += HANDFUL) {
      if (i > 0) await sleep(pause)
      for (const [worker, watched] of all.slice(i, i + HANDFUL)) probes.push(check(worker, watched))
    }
    return Promise.all(probes)
  }

  /** One probe at a time for each worker: who asks meanwhile gets the one that is out. */
  async function check(worker: Worker, watched: Watch): Promise<boolean> {
    if (watches.get(worker) !== watched) return true
    watched.probing ??= untilDeadline((signal) => probe(worker, signal), timeout, watched.abort.signal)
      .then((ending) => settle(worker, watched, ending))
      .finally(() => {
        watched.probing = undefined
      })
    return watched.probing
  }

  function settle(worker: Worker, watched: Watch, { fault, stalled, isStarved }: Ending): boolean {
    if (watches.get(worker) !== watched) return true
    watched.stalled = stalled ? watched.stalled + 1 : 0
    if (stalled && watched.stalled <= REPEATS) return false
    watched.stalled = 0
    if (isStarved && watched.last) return true // the verdict stands; somebody may wait for a first one
    count(worker, watched, fault)
    return true
  }

  function count(worker: Worker, watched: Watch, fault: string | undefined): void {
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
    watched.reason = (fault ?? 'probe succeeded') + times
    judge(worker, good, watched.reason, onVerdict)
  }

  function close(): void {
    void task.destroy()
    for (const worker of watches.keys()) unwatch(worker)
  }

  return {
    watch,
    succeed,
    unwatch,
    poll,
    last: (worker) => watches.get(worker)?.last,
    reason: (worker) => watches.get(worker)?.reason,
    heed() {
      throw new TypeError(
        'this pool polls its workers itself; one of createFollower heeds what others found out',
      )
    },
    untilNext: () => task.msToNext() ?? 0,
    close,
  }
}

/** Writes a verdict, and tells of it. For the pollers of this folder alone. */
export function judge(worker: Worker, alive: boolean, reason: string, onVerdict: OnVerdict): void {
  setAlive(worker, alive)
  tell(() => onVerdict(worker, alive, reason))
}

/** Of a worker that was probed before, a verdict stands. */
function newWatch(last?: LastProbe, reason?: string): Watch {
  return { streak: last ? 0 : -1, stalled: 0, probing: undefined, last, reason, abort: new AbortController() }
}
