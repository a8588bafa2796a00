import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until every worker answers, so that the gateway's first look finds them; gives up after `bound` ms. */
export async function untilAnswering(
  ports: readonly number[],
  signal: AbortSignal,
  bound = 5000,
): Promise<void> {
  await untilNothingLacks(AbortSignal.any([signal, AbortSignal.timeout(bound)]), async (over) => {
    const answers = await Promise.all(ports.map((port) => read(`http://localhost:${port}/health`, over)))
    return ports.filter((_port, i) => answers[i] === undefined).map(String)
  })
}

/** Waits until the gateway calls every worker alive; resolves to what still lacks after `bound` ms, `[]` when ready. */
export async function untilReady(
  gatewayPort: number,
  workerPorts: readonly number[],
  signal: AbortSignal,
  bound = 30_000,
): Promise<readonly string[]> {
  return untilNothingLacks(AbortSignal.any([signal, AbortSignal.timeout(bound)]), async (over) => {
    const metrics = await read(`http://localhost:${gatewayPort}/metrics`, over)
    if (metrics === undefined) return ['gateway']
    const lines = new Set(metrics.split('\n'))
    return workerPorts.filter((port) => !lines.has(`worker_${port}_alive 1`)).map((port) => `worker ${port}`)
  })
}

async function untilNothingLacks(
  over: AbortSignal,
  ask: (over: AbortSignal) => Promise<string[]>,
): Promise<string[]> {
  for (let pause = 50; ; pause = Math.min(2 * pause, 1000)) {
    const lacking = await ask(over)
    if (lacking.length === 0 || over.aborted) return lacking
    await sleep(pause, undefined, { signal: over }).catch(() => {}) // the next round sees that it is over
  }
}

/** The body of an answer with a good status; `undefined` without one. */
async function read(url: string, over: AbortSignal): Promise<string | undefined> {
  try {
    const res = await fetch(url, { signal: AbortSignal.any([over, AbortSignal.timeout(1000)]) })
    const body = await res.text()
    return res.ok ? body : undefined
  } catch {
    return undefined
  }
}
