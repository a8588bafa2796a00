import { arch, availableParallelism, platform } from 'node:os'
import { coresOf, isPinned } from './processes/pin.ts'
import type { Machine } from './result.ts'

/** The machine that this runs on. */
export function machine(): Machine {
  const { length: each } = coresOf('subject')
  return {
    node: process.version,
    os: `${platform()} ${arch()}`,
    cores: availableParallelism(),
    pinned: isPinned(),
    ...(each > 1 && { each }),
  }
}
