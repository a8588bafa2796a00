import type { Worker } from '../worker.ts'
import { keyOf } from '../worker-key.ts'
import type { Health } from './options.ts'
import { judge, type LastProbe, type OnVerdict, type Poller } from './poller.ts'
import { createSchedule, untilNext } from './schedule.ts'
import type { Verdict } from './verdict.ts'

interface Followed {
  readonly worker: Worker
  /** The last that was heard. */
  last: LastProbe | undefined
  /** Resolves with the first verdict, or when the worker is let go. */
  readonly known: PromiseWithResolvers<void>
}

/** A poller that probes nobody: it goes by the verdicts of another process. No timer of its own runs. */
export function createFollowing({ schedule }: Health, onVerdict: OnVerdict): Poller {
  const followed = new Map<string, Followed>()
  const task = createSchedule(schedule, async () => {}) // never started: it is asked for the time alone

  const of = (worker: Worker): Followed | undefined => {
    const found = followed.get(keyOf(worker))
    return found?.worker === worker ? found : undefined
  }

  function follow(worker: Worker, last?: LastProbe): Promise<void> {
    const known = Promise.withResolvers<void>()
    followed.set(keyOf(worker), { worker, last, known })
    if (last) known.resolve()
    return known.promise
  }

  async function watch(workers: readonly Worker[]): Promise<void> {
    await Promise.all(workers.map((worker) => follow(worker)))
  }

  async function succeed(former: Poller, workers: readonly Worker[]): Promise<void> {
    await Promise.all(workers.map((worker) => follow(worker, former.last(worker))))
  }

  function heed(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      const found = followed.get(keyOf(verdict))
      if (found) take(found, verdict)
    }
  }

  function take(found: Followed, { alive, reason }: Verdict): void {
    const { worker, last } = found
    const streak = last?.isWell === alive ? last.streak + 1 : 1
    found.last = { at: Date.now(), isWell: alive, reason, streak }
    if (last?.isWell === alive) return
    judge(worker, alive, reason, onVerdict)
    found.known.resolve()
  }

  function unwatch(worker: Worker): void {
    const found = of(worker)
    if (!found) return
    followed.delete(keyOf(worker))
    found.known.resolve()
  }

  function close(): void {
    void task.destroy()
    for (const { worker } of followed.values()) unwatch(worker)
  }

  return {
    watch,
    succeed,
    unwatch,
    poll: async () => {},
    last: (worker) => of(worker)?.last,
    reason: (worker) => of(worker)?.last?.reason,
    heed,
    untilNext: () => untilNext(task),
    close,
  }
}
