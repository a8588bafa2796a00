import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import type { Load, Goal } from './load.ts'
import type { Several } from './site.ts'

/** So many connections at once are tried until there is one to each process. */
const TRIED = 8
const MOST_TRIES = 60

/** A connection to each process that serves, by the process's id. They are closed with `close`. */
export async function connectToAll(
  load: Load,
  site: Several,
  goal: Goal,
  path: string,
): Promise<{ agents: ReadonlyMap<number, Agent>; close: () => void }> {
  const { processes } = await site.stats()
  const wanted = new Set(processes.filter(({ state }) => state === 'serving').map(({ pid }) => pid))
  const agents = new Map<number, Agent>()
  const all: Agent[] = []
  const close = (): void => all.forEach((agent) => agent.destroy())
  for (let tries = 0; agents.size < wanted.size; tries++) {
    if (tries === MOST_TRIES) {
      close()
      assert.fail(`of ${[...wanted].join(', ')} none but ${[...agents.keys()].join(', ')} take connections`)
    }
    const tried = await Promise.all(
      Array.from({ length: TRIED }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        all.push(agent)
        return { agent, ...(await load.askOnce(goal, path, agent)) }
      }),
    )
    const taker = site.takers()
    for (const { agent, link } of tried) {
      const pid = link && taker(link)
      if (pid !== undefined && wanted.has(pid) && !agents.has(pid)) agents.set(pid, agent)
      else agent.destroy()
    }
  }
  return { agents, close }
}

/** Fails unless each process has a pool's requests answered by these workers, and by nobody else. */
export async function assertAgree(
  load: Load,
  agents: ReadonlyMap<number, Agent>,
  goal: Goal,
  pool: string,
  names: readonly string[],
): Promise<void> {
  const wanted = names.toSorted()
  await Promise.all(
    Array.from(agents, async ([pid, agent]) => {
      const seen = new Set<string>()
      for (let i = 0; i < 20 * wanted.length && seen.size < wanted.length; i++)
        seen.add((await load.exchange(goal, `/${pool}`, agent)) ?? 'nobody')
      assert.deepEqual([...seen].toSorted(), wanted, `${pool} of process ${pid}`)
    }),
  )
}

/** Fails unless each process, where nobody else asks, chooses workers by exactly these weights. */
export async function assertWeights(
  load: Load,
  agents: ReadonlyMap<number, Agent>,
  goal: Goal,
  pool: string,
  weights: Readonly<Record<string, number>>,
): Promise<void> {
  const sum = Object.values(weights).reduce((all, weight) => all + weight, 0)
  for (const [pid, agent] of agents) {
    const seen: Record<string, number> = {}
    for (let i = 0; i < 2 * sum; i++) {
      const name = (await load.exchange(goal, `/${pool}`, agent)) ?? 'nobody'
      seen[name] = (seen[name] ?? 0) + 1
    }
    const wanted = Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, 2 * weight]))
    assert.deepEqual(seen, wanted, `${pool} of process ${pid}`)
  }
}
