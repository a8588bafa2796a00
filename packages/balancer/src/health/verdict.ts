import type { Worker } from '../worker.ts'

/** A verdict on a worker, as one process tells it to another: plain data. */
export interface Verdict {
  readonly id: string
  /** `worker.url.href`. */
  readonly url: string
  readonly alive: boolean
  readonly reason: string
}

/** Those that stand now; who has none yet, and so no reason, is left out. */
export function verdictsOf(
  workers: readonly Worker[],
  reasonOf: (worker: Worker) => string | undefined,
): Verdict[] {
  return workers.flatMap((worker) => {
    const reason = reasonOf(worker)
    const { id, url, alive } = worker
    return reason === undefined ? [] : [{ id, url: url.href, alive, reason }]
  })
}
