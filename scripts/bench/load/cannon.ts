import { fileURLToPath } from 'node:url'
import { script } from '../processes/launch.ts'
import { within } from '../processes/within.ts'
import type { HttpLoad, HttpResult } from './http-load.ts'

const SCRIPT = fileURLToPath(new URL('fire-cannon.ts', import.meta.url))

/** autocannon, in a process of its own. */
export async function cannon(load: HttpLoad): Promise<HttpResult> {
  const running = script('autocannon', SCRIPT, [JSON.stringify(load)], { core: 'load' })
  return JSON.parse(await within(load.seconds + 15, running)) as HttpResult
}
