import { describe } from '../errors.ts'

/** How something ended that had a deadline. */
export interface Ending {
  /** What went wrong; undefined if nothing did. */
  readonly fault: string | undefined
  /**
   * Whether the event loop stood still for half of the deadline meanwhile: then a fault may be our own. Told by the time
   * between two looks, so none that long is missed, and one of three tenths may be taken for it.
   */
  readonly stalled: boolean
  /** Whether it failed because this process, or the machine, has no descriptors left, which says nothing of who was asked. */
  readonly isStarved: boolean
}

/** Thrown by work whose deadline is over, at once: an answer came, and here is why it is none. */
export class WrongAnswer extends Error {}

/** Of this process (`ulimit -n`), and of the machine. */
const NO_DESCRIPTOR: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE'])

/**
 * How often the loop is looked at until the deadline. The deadline is that many looks, so it comes late in a stalled
 * loop, and whoever is asked has as many turns of the loop to be heard, however long each takes.
 */
const LOOKS = 5

/**
 * Runs `work` until it ends, `timeout` ms are over or `gone` is aborted, even if it ignores its signal; what it says
 * later is ignored. One timer both keeps the deadline and sees stalls, and is there no longer than `work` is.
 */
export async function untilDeadline(
  work: (signal: AbortSignal) => Promise<void>,
  timeout: number,
  gone: AbortSignal,
): Promise<Ending> {
  const abort = new AbortController()
  const { promise: over, reject } = Promise.withResolvers<never>()
  let looks = 0
  let looked = performance.now()
  let stalled = false
  let ended: string | undefined
  let last: NodeJS.Immediate | undefined

  function end(why: string): void {
    ended = why
    abort.abort()
    reject(new Error(why))
  }
  const stop = (): void => end('no longer watched')

  function look(): void {
    const now = performance.now()
    stalled ||= now - looked > timeout / 2
    looked = now
  }

  /** What is due is believed only after a turn of the loop: what came while it stood still is heard by then. */
  function tick(): void {
    look()
    looks++
    if (looks === LOOKS) last = setImmediate(end, `no answer within ${timeout} ms`)
  }

  const timer = setInterval(tick, Math.ceil(timeout / LOOKS)).unref()
  gone.addEventListener('abort', stop)
  let fault: string | undefined
  let isStarved = false
  try {
    await Promise.race([work(abort.signal), over])
    fault = ended
  } catch (error) {
    isStarved = NO_DESCRIPTOR.has((error as NodeJS.ErrnoException | undefined)?.code)
    fault = error instanceof WrongAnswer ? error.message : (ended ?? describe(error))
  } finally {
    clearInterval(timer)
    clearImmediate(last)
    gone.removeEventListener('abort', stop)
  }
  look()
  return { fault, stalled, isStarved }
}
