import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits `ms` milliseconds, less when the client leaves; says whether the client is still there. */
export async function pause(ms: number, res: ServerResponse): Promise<boolean> {
  if (res.destroyed) return false
  const gone = new AbortController()
  const leave = () => gone.abort()
  res.once('close', leave)
  try {
    await sleep(ms, undefined, { signal: gone.signal })
    return true
  } catch {
    return false
  } finally {
    res.off('close', leave)
  }
}
