import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BACKEND_HEADER } from '../backends/answers.ts'
import { script } from '../processes/launch.ts'
import type { Loaded } from '../processes/under-load.ts'
import { within } from '../processes/within.ts'
import { ECHO, MESSAGE, openWebSocket } from './frames.ts'

/** As many messages as `connections` can: each sends its next when the echo of the last is there. */
export interface MessageLoad {
  readonly origin: string
  readonly connections: number
  readonly seconds: number
}

const SCRIPT = fileURLToPath(new URL('send-messages.ts', import.meta.url))

export async function messages(load: MessageLoad): Promise<Loaded> {
  const running = script('load', SCRIPT, [JSON.stringify(load)], { core: 'load' })
  return JSON.parse(await within(load.seconds + 15, running)) as Loaded
}

/**
 * Opens six WebSockets and compares an echo of each.
 * @throws Error for a wrong echo, or when fewer than three backends gave the answers (unless `answersItself`).
 */
export async function verifyWebSocket(origin: string, answersItself = false): Promise<void> {
  const seen = new Set<string>()
  for (let i = 0; i < 6; i++) {
    const { socket, res } = await openWebSocket(origin)
    seen.add(String(res.headers[BACKEND_HEADER]))
    socket.write(MESSAGE)
    const [echo] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer]
    socket.destroy()
    if (!echo.equals(ECHO)) throw new Error(`a message of ${MESSAGE.length} bytes has a wrong echo`)
  }
  if (!answersItself && seen.size < 3)
    throw new Error(`of 3 backends only ${[...seen].join(', ')} gave answers`)
}
