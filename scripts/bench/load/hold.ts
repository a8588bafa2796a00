import { fileURLToPath } from 'node:url'
import type { Contestant } from '../contestant.ts'
import { script } from '../processes/launch.ts'
import { until } from '../processes/until.ts'

export interface Holding {
  /** Resolves when `count` are open in all, each with one answer, but for heads. */
  open(count: number): Promise<void>
  close(): Promise<void>
}

const SCRIPT = fileURLToPath(new URL('hold-open.ts', import.meta.url))

/** Holds connections open from a process of their own. */
export async function hold(origin: string, held: NonNullable<Contestant['held']>): Promise<Holding> {
  const running = script('load', SCRIPT, [origin, held], { core: 'load' })
  await until('load', 5000, running, async () => running.output.startsWith('ready'))
  return {
    open: async (count) => {
      running.tell(String(count))
      await until(`${count} open ${held}`, 60_000, running, async () =>
        running.output.includes(`${count} open\n`),
      )
    },
    close: () => running.stop(),
  }
}
