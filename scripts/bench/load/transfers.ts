import { fileURLToPath } from 'node:url'
import { script } from '../processes/launch.ts'
import type { Loaded } from '../processes/under-load.ts'
import { within } from '../processes/within.ts'

/** As many bytes one way as so many connections can carry. */
export interface TransferLoad {
  readonly origin: string
  readonly way: 'download' | 'upload'
  readonly connections: number
  readonly seconds: number
}

const SCRIPT = fileURLToPath(new URL('transfer.ts', import.meta.url))

/** An answer is a MB, of a million bytes that have come to their end. */
export async function transfers(load: TransferLoad): Promise<Loaded> {
  const running = script('load', SCRIPT, [JSON.stringify(load)], { core: 'load' })
  return JSON.parse(await within(load.seconds + 15, running)) as Loaded
}
