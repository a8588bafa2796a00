import type { ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { startBackend, type Backend } from './reloading.ts'

/** A backend whose answers to `/slow` come when the test has them come. */
export interface Holding extends Backend {
  /** Answers `slow` to what is held, and to what comes from now on. */
  answer(): void
}

/** A backend that gives its name at once, but for `/slow`. */
export async function startHolding(t: TestContext, name: string): Promise<Holding> {
  const held: ServerResponse[] = []
  let isFree = false
  const backend = await startBackend(t, name, (req, res) => {
    if (req.url !== '/slow') res.end(name)
    else if (isFree) res.end('slow')
    else held.push(res)
  })
  const answer = (): void => {
    isFree = true
    for (const res of held.splice(0)) res.end('slow')
  }
  return { ...backend, answer }
}
