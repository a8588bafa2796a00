import { arch, availableParallelism, platform } from 'node:os'
import { isPinned } from './processes/pin.ts'
import type { Machine } from './result.ts'

/** The machine that this runs on. */
export function machine(): Machine {
  return {
    node: process.version,
    os: `${platform()} ${arch()}`,
    cores: availableParallelism(),
    pinned: isPinned(),
  }
}
